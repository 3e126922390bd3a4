import { describe, expect, it } from '@jest/globals';
import { canonicalEvent, canonicalJson, type RecordedEvent } from './canonical-event.js';

const event: RecordedEvent = {
  tenantId: 't',
  id: 'i',
  action: 'link.created',
  actor: 'a',
  targetType: 'link',
  targetId: 'l',
  before: null,
  after: { a: 1, b: ['x', { d: 1, c: null }] },
  requestId: 'r',
  addressPrefix: '192.0.2.0/24',
  origin: 'o',
  originCount: '3',
  occurredAt: new Date(0),
};

describe('the canonical form', () => {
  it('is the same for whatever order of fields', () => {
    expect(canonicalJson({ b: [{ y: 1, x: 2 }], a: 'ü"' })).toBe('{"a":"ü\\"","b":[{"x":2,"y":1}]}');
    expect(canonicalEvent({ ...event, after: { b: ['x', { c: null, d: 1 }], a: 1 } })).toBe(canonicalEvent(event));
  });

  it.each(Object.keys(event))('differs when %s does', (field) => {
    const other = field === 'occurredAt' ? new Date(1) : field === 'before' || field === 'after' ? { a: 2 } : 'other';
    expect(canonicalEvent({ ...event, [field]: other })).not.toBe(canonicalEvent(event));
  });

  it('does not take one text for two', () => {
    expect(canonicalEvent({ ...event, actor: 'a","id":"i' })).not.toBe(canonicalEvent(event));
    expect(canonicalEvent({ ...event, before: {} })).not.toBe(canonicalEvent(event));
  });
});
