import { describe, expect, it } from '@jest/globals';
import { continueTrace } from './trace.js';

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
