import { describe, expect, it } from '@jest/globals';
import type { Click } from './click.js';
import { decodeSegment, encodeClick } from './spool-format.js';

const click = (id: string): Click => ({
  id,
  tenantId: 't',
  domainId: 'd',
  linkId: 'l',
  occurredAt: 1,
  userAgent: 'Ünïcode\n"quoted"',
});
const clicks = ['a', 'b', 'c'].map(click);
const segment = clicks.map(encodeClick).join('');

describe('a spool segment', () => {
  it('gives back what was written', () => expect(decodeSegment(segment)).toEqual({ clicks, torn: false }));
  it('may be empty', () => expect(decodeSegment('')).toEqual({ clicks: [], torn: false }));

  it('is cut at a torn tail, wherever it tore', () => {
    const last = encodeClick(click('d'));
    for (let length = 1; length < last.length; length++) {
      expect(decodeSegment(segment + last.slice(0, length))).toEqual({ clicks, torn: true });
    }
  });

  it('is cut where a byte changed', () => {
    const damaged = segment.replace('"id":"b"', '"id":"x"');
    expect(decodeSegment(damaged)).toEqual({ clicks: [click('a')], torn: true });
  });
});
