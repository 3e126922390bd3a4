import { describe, expect, it } from '@jest/globals';
import { displayUrl, parseWebUrl } from './web-url.js';

describe('parseWebUrl', () => {
  it.each([
    ['https://example.com', 'https://example.com/'],
    ['  https://example.com/a b ', 'https://example.com/a%20b'],
    ['HTTPS://EXAMPLE.com/A?b=C#d', 'https://example.com/A?b=C#d'],
    ['https://bücher.example/x', 'https://xn--bcher-kva.example/x'],
    ['http://[::1]:8080/', 'http://[::1]:8080/'],
  ])('reads %s', (input, url) => expect(parseWebUrl(input)).toBe(url));

  it.each([
    ['', 'invalid_url'],
    ['/relative', 'invalid_url'],
    ['example.com', 'invalid_url'],
    ['https://', 'invalid_url'],
    ['https://exa mple.com/', 'invalid_url'],
    ['ftp://example.com/', 'unsupported_scheme'],
    ['javascript:alert(1)', 'unsupported_scheme'],
    ['data:text/html,x', 'unsupported_scheme'],
    ['java\nscript:alert(1)', 'unsupported_scheme'],
    ['https://user:pw@example.com/', 'credentials_in_url'],
    ['https://user@example.com/', 'credentials_in_url'],
    [`https://example.com/${'a'.repeat(8 * 1024)}`, 'url_too_long'],
    [`https://example.com/${'ä'.repeat(3000)}`, 'url_too_long'],
  ])('refuses %s', (input, code) => expect(parseWebUrl(input)).toMatchObject({ code }));
});

describe('displayUrl', () => {
  it('shows an internationalized host in its own letters', () => {
    expect(displayUrl('https://xn--bcher-kva.example:8443/x?y')).toBe('https://bücher.example:8443/x?y');
    expect(displayUrl('https://example.com/xn--a')).toBe('https://example.com/xn--a');
  });
});
