import { describe, expect, it } from '@jest/globals';
import { continueTrace, isSampled, sampledTrace, traceparentOf } from './trace.js';

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('continueTrace', () => {
  it('continues the trace it is given, as a new span', () => {
    const { traceId, traceparent } = continueTrace(parent);
    expect(traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(traceparent).not.toBe(parent);
  });
  it.each([undefined, '', 'x', ['a', 'b'], parent.replace('00-', 'ff-'), `00-${'0'.repeat(32)}-b7ad6b7169203331-01`])(
    'starts a trace when it is given %j',
    (header) => expect(continueTrace(header).traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
  );
});

describe('a traceparent', () => {
  it('is sampled where its flags say so', () => {
    expect([parent, parent.replace(/01$/, '03'), parent.replace(/01$/, '02')].map(isSampled)).toEqual([
      true,
      true,
      false,
    ]);
    expect([null, undefined, ''].map(isSampled)).toEqual([false, false, false]);
    expect(sampledTrace(parent)).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(sampledTrace(parent.replace(/01$/, '00'))).toBeUndefined();
  });
  it('is taken from a header that has one and nothing else', () => {
    expect(traceparentOf(parent)).toBe(parent);
    expect([undefined, '', `${parent}x`, parent.toUpperCase(), [parent]].map(traceparentOf)).toEqual(
      Array.from({ length: 5 }, () => undefined),
    );
  });
});
