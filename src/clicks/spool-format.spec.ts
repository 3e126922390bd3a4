import { describe, expect, it } from '@jest/globals';
import type { Visitor } from './click.js';
import { ClickEncoder, decodeClicks } from './spool-format.js';

const SEGMENT = '019ab000-0000-7abc-8def-fffffffffffe';
const visitor: Visitor = {
  address: '192.0.2.1',
  userAgent: 'Ünïcode\n"quoted"',
  referrer: 'https://a.example/',
  language: 'de-AT,de;q=0.9',
  country: 'AT',
  optedOut: false,
};
const nobody: Visitor = {
  address: '',
  userAgent: undefined,
  referrer: undefined,
  language: undefined,
  country: undefined,
  optedOut: true,
};
const link = (linkId: string) => ({ tenantId: 't', domainId: 'd', linkId });

describe('the clicks of a segment', () => {
  it('come back as they were written, over several frames', () => {
    const encoder = new ClickEncoder();
    encoder.add(link('a'), visitor, '');
    encoder.add(link('b'), nobody, 'utm_source=mail');
    const frames = [encoder.take(1_000)];
    encoder.add(link('a'), { ...visitor, address: '192.0.2.2' }, '');
    frames.push(encoder.take(2_000));
    expect(decodeClicks(SEGMENT, frames)).toEqual([
      { id: expect.any(String), occurredAt: 1_000, ...link('a'), ...visitor, query: '' },
      { id: expect.any(String), occurredAt: 1_000, ...link('b'), ...nobody, query: 'utm_source=mail' },
      { id: expect.any(String), occurredAt: 2_000, ...link('a'), ...visitor, address: '192.0.2.2', query: '' },
    ]);
  });

  it('write what repeats once', () => {
    const encoder = new ClickEncoder();
    encoder.add(link('a'), visitor, '');
    const first = encoder.take(1).length;
    encoder.add(link('a'), visitor, '');
    expect(encoder.length).toBeLessThan(30);
    expect(encoder.take(1).length).toBeLessThan(first / 2);
  });

  it('have ids that stay the same and are told apart, each UUIDv7 of its time', () => {
    const encoder = new ClickEncoder();
    for (let n = 0; n < 3; n++) encoder.add(link('a'), visitor, '');
    const frames = [encoder.take(Date.parse('2026-11-23T12:00:00Z'))];
    const ids = decodeClicks(SEGMENT, frames).map(({ id }) => id);
    expect(ids).toEqual([
      '01a20846-fe00-7abc-8def-fffffffffffe',
      '01a20846-fe00-7abc-8def-ffffffffffff',
      '01a20846-fe00-7abc-8def-000000000000',
    ]);
    expect(decodeClicks(SEGMENT, frames).map(({ id }) => id)).toEqual(ids);
  });

  it('keep of a header what PostgreSQL can store', () => {
    const encoder = new ClickEncoder();
    encoder.add(link('a'), { ...visitor, userAgent: `a\0\ud800${'b'.repeat(2_000)}` }, '');
    const [click] = decodeClicks(SEGMENT, [encoder.take(1)]);
    expect(click?.userAgent).toBe(`a\ufffd${'b'.repeat(998)}`);
  });
});
