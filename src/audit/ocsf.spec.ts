import { describe, expect, it } from '@jest/globals';
import type { ListedEvent } from './audit.repository.js';
import { toOcsf } from './ocsf.js';

const event = {
  tenantId: '0188bac7-0000-7000-8000-000000000001',
  id: '0188bac7-0000-7000-8000-000000000002',
  action: 'link.updated',
  actor: 'key_x',
  targetType: 'link',
  targetId: 'link_x',
  before: { url: 'a' },
  after: { url: 'b' },
  requestId: 'req',
  addressPrefix: '192.0.2.0/24',
  origin: null,
  originCount: null,
  occurredAt: new Date(1_700_000_000_000),
  seq: '7',
} satisfies ListedEvent;

describe('an event as OCSF', () => {
  it('is of the class API Activity, with all that the class requires', () => {
    expect(toOcsf(event)).toMatchObject({
      class_uid: 6003,
      category_uid: 6,
      activity_id: 3,
      type_uid: 600_303,
      severity_id: 1,
      time: 1_700_000_000_000,
      metadata: { version: '1.3.0', product: { name: 'Waypost', vendor_name: 'Waypost' }, sequence: 7 },
      actor: { user: { uid: 'key_x' } },
      api: { operation: 'link.updated', request: { uid: 'req' } },
      src_endpoint: { name: '192.0.2.0/24' },
      resources: [{ uid: 'link_x', type: 'link' }],
      unmapped: { before: { url: 'a' }, after: { url: 'b' } },
    });
  });

  it.each([
    ['link.created', 1],
    ['click.exported', 2],
    ['tenant.updated', 3],
    ['api_key.revoked', 4],
    ['thing.whatever', 99],
  ])('%s is activity %d', (action, activity) => {
    const shown = toOcsf({ ...event, action });
    expect([shown.activity_id, shown.type_uid]).toEqual([activity, 600_300 + activity]);
  });
});
