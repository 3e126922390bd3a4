import { describe, expect, it } from '@jest/globals';
import { campaignOf } from './campaign.js';
import type { Visitor } from './click.js';
import { ClickEncoder, decodeClicks } from './spool-format.js';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
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
const link = (letter: string) => ({
  tenantId: 't',
  domainId: 'd',
  linkId: `00000000-0000-7000-8000-00000000000${letter}`,
});
/** A frame of its own. */
const frame = (encoder: ClickEncoder, at: number, ...clicks: Array<[string, Visitor, string]>): Buffer => {
  encoder.begin(at);
  for (const [letter, visitor, query] of clicks) encoder.add(link(letter), visitor, query);
  return encoder.take();
};

describe('the clicks of a segment', () => {
  it('come back as they were written, over several frames', () => {
    const encoder = new ClickEncoder();
    const frames = [
      frame(encoder, 1_000, ['a', visitor, ''], ['b', nobody, 'utm_source=mail']),
      frame(encoder, 2_000, ['a', { ...visitor, address: '192.0.2.2' }, '']),
    ];
    expect(decodeClicks(SEGMENT, frames)).toEqual([
      { id: expect.any(String), occurredAt: 1_000, ...link('a'), ...visitor, query: '' },
      { id: expect.any(String), occurredAt: 1_000, ...link('b'), ...nobody, query: 'utm_source=mail' },
      { id: expect.any(String), occurredAt: 2_000, ...link('a'), ...visitor, address: '192.0.2.2', query: '' },
    ]);
  });

  it('are each of their own link, whichever segment had it before and whatever object it comes in', () => {
    const [one, same, other] = [link('a'), link('a'), link('b')];
    const segments = Array.from({ length: 3 }, () => new ClickEncoder());
    for (const [n, encoder] of segments.entries()) {
      encoder.begin(1_000);
      // In turn: each segment counts its places anew.
      const clicks = n === 1 ? [other, one, same, other] : [one, other, same, one];
      for (const each of clicks) encoder.add(each, nobody, '');
      const read = decodeClicks(SEGMENT, [encoder.take()]);
      expect(read.map(({ linkId }) => linkId)).toEqual(clicks.map(({ linkId }) => linkId));
    }
  });

  it('come with their trace, where they are traced', () => {
    const encoder = new ClickEncoder();
    encoder.begin(1_000);
    encoder.add(link('a'), visitor, 'utm_source=mail', TRACE);
    encoder.add(link('a'), visitor, '', TRACE);
    encoder.add(link('a'), visitor, `traceparent=${TRACE}&x`);
    const clicks = decodeClicks(SEGMENT, [encoder.take()]);
    expect(clicks.map(({ trace, query }) => [trace, query])).toEqual([
      [TRACE, 'utm_source=mail'],
      [TRACE, ''],
      // A visitor's own parameter is nobody's trace.
      [undefined, `traceparent=${TRACE}&x`],
    ]);
  });

  it('are the same to a version that knows no traces', () => {
    // Such a version has the text below for the visited query, and looks at it with this.
    const asked = 'utm_source=mail&utm_medium=a%20b&qr=1';
    expect(campaignOf(`traceparent=${TRACE}\n&${asked}`)).toEqual(campaignOf(asked));
    expect(campaignOf(`traceparent=${TRACE}\n&`)).toEqual(campaignOf(''));
  });

  it('write what repeats once', () => {
    const encoder = new ClickEncoder();
    frame(encoder, 1, ['a', visitor, '']);
    const head = frame(encoder, 1).length;
    expect(frame(encoder, 1, ['a', visitor, '']).length - head).toBe(7);
  });

  it('are as many as there are, of any length', () => {
    const encoder = new ClickEncoder();
    const many = Array.from({ length: 1_000 }, (_, n) => ({ ...visitor, userAgent: `${n} ${'ü'.repeat(500)}` }));
    const frames = [
      frame(encoder, 1, ...many.map((one): [string, Visitor, string] => ['a', one, `n=${one.userAgent}`])),
    ];
    const clicks = decodeClicks(SEGMENT, frames);
    expect(clicks.map(({ userAgent }) => userAgent)).toEqual(many.map(({ userAgent }) => userAgent));
    expect(clicks.map(({ query }) => query)).toEqual(many.map(({ userAgent }) => `n=${userAgent}`));
  });

  it('are not read in another format, nor when they are not whole', () => {
    const whole = frame(new ClickEncoder(), 1, ['a', visitor, '']);
    expect(() => decodeClicks(SEGMENT, [Buffer.from('{"at":1}')])).toThrow('format 123');
    expect(() => decodeClicks(SEGMENT, [whole.subarray(0, -1)])).toThrow('out of range');
    expect(() => decodeClicks(SEGMENT, [Buffer.concat([whole, Buffer.from([40])])])).toThrow('place 20');
  });

  it('have ids that stay the same and are told apart, each UUIDv7 of its time', () => {
    const encoder = new ClickEncoder();
    const click: [string, Visitor, string] = ['a', visitor, ''];
    const frames = [frame(encoder, Date.parse('2026-11-23T12:00:00Z'), click, click, click)];
    const ids = decodeClicks(SEGMENT, frames).map(({ id }) => id);
    expect(ids).toEqual([
      '01a20846-fe00-7abc-8def-fffffffffffe',
      '01a20846-fe00-7abc-8def-ffffffffffff',
      '01a20846-fe00-7abc-8def-000000000000',
    ]);
    expect(decodeClicks(SEGMENT, frames).map(({ id }) => id)).toEqual(ids);
  });

  it('keep of a header what PostgreSQL can store', () => {
    const userAgent = `a\0\ud800${'b'.repeat(2_000)}`;
    const [click] = decodeClicks(SEGMENT, [frame(new ClickEncoder(), 1, ['a', { ...visitor, userAgent }, ''])]);
    expect(click?.userAgent).toBe(`a\ufffd${'b'.repeat(998)}`);
  });
});
