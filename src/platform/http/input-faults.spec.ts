import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { inputRefused } from './input-faults.js';

const schema = z.strictObject({ name: z.string(), 'a/b': z.object({ list: z.array(z.number()) }).optional() });
const faults = (input: unknown) => inputRefused(schema.safeParse(input).error?.issues ?? []).faults;

describe('inputRefused', () => {
  it('points at every fault', () => {
    expect(faults({ 'a/b': { list: [1, 'x'] } }).map(({ pointer }) => pointer)).toEqual(['/name', '/a~1b/list/1']);
  });
  it('names unknown fields one by one', () => {
    expect(faults({ name: 'n', x: 1, '~y': 2 })).toMatchObject([
      { pointer: '/x', code: 'unknown_field' },
      { pointer: '/~0y', code: 'unknown_field' },
    ]);
  });
  it('answers a hostile body with a bounded list', () => {
    const hostile = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`x${n}`, n]));
    expect(faults({ name: 'n', ...hostile })).toHaveLength(50);
  });
});
