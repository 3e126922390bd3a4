import { describe, expect, it } from '@jest/globals';
import { dayOf, firstSaltedDay, visitorOf } from './visitor-hash.js';

describe('visitorOf', () => {
  const key = Buffer.alloc(32, 1);
  const visitor = (tenant = 't', address = '192.0.2.1', agent = 'a', with_ = key): string =>
    visitorOf(with_, tenant, address, agent).toString('hex');

  it('is the same for the same visitor, and 16 bytes', () => {
    expect(visitor()).toBe(visitor());
    expect(visitor()).toHaveLength(32);
  });

  it('differs by tenant, address, user agent and day', () => {
    const others = [visitor('u'), visitor('t', '192.0.2.2'), visitor('t', '192.0.2.1', 'b')];
    others.push(visitor('t', '192.0.2.1', 'a', Buffer.alloc(32, 2)));
    expect(new Set([visitor(), ...others]).size).toBe(5);
  });
});

describe('days', () => {
  it('are those of UTC', () => {
    expect(dayOf(Date.parse('2026-11-23T23:59:59.999Z'))).toBe('2026-11-23');
    expect(dayOf(Date.parse('2026-11-24T00:00:00Z'))).toBe('2026-11-24');
  });

  it('have salts until two days after their end', () => {
    expect(firstSaltedDay(Date.parse('2026-11-25T23:59:59.999Z'))).toBe('2026-11-23');
    expect(firstSaltedDay(Date.parse('2026-11-26T00:00:00Z'))).toBe('2026-11-24');
  });
});
