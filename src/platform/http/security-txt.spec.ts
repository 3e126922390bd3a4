import { describe, expect, it } from '@jest/globals';
import { securityTxt } from './security-txt.js';

describe('security.txt', () => {
  it('names every contact, in order, and expires within a year of now', () =>
    expect(securityTxt(['mailto:a@example.com', 'https://example.com/b'], new Date('2026-11-24T17:30:00.5Z'))).toBe(
      'Contact: mailto:a@example.com\nContact: https://example.com/b\nExpires: 2027-05-23T00:00:00Z\nPreferred-Languages: en\n',
    ));
});
