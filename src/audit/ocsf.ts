import { toPublicId } from '../platform/ids.js';
import type { ListedEvent } from './audit.repository.js';

// OCSF 1.3.0, class API Activity: https://schema.ocsf.io/1.3.0/classes/api_activity
const CLASS_UID = 6003;
const ACTIVITIES = { Create: 1, Read: 2, Update: 3, Delete: 4, Other: 99 } as const;

const VERBS: Record<string, keyof typeof ACTIVITIES> = {
  created: 'Create', provisioned: 'Create', invited: 'Create', joined: 'Create', accepted: 'Create', requested: 'Create',
  read: 'Read', listed: 'Read', exported: 'Read', streamed: 'Read', verified: 'Read', opened: 'Read',
  updated: 'Update', activated: 'Update', deactivated: 'Update', rotated: 'Update', suspended: 'Update', redriven: 'Update', verification_changed: 'Update',
  disabled: 'Update', flagged: 'Update', taken_down: 'Update', takedown_lifted: 'Update',
  lifted: 'Update',
  deleted: 'Delete', revoked: 'Delete', removed: 'Delete', clicks_erased: 'Delete',
}; // prettier-ignore

/** One audit event as a SIEM takes it. What OCSF has no place for stands in `unmapped`. */
export function toOcsf(event: ListedEvent) {
  const activity = VERBS[event.action.slice(event.action.indexOf('.') + 1)] ?? 'Other';
  return {
    class_uid: CLASS_UID,
    class_name: 'API Activity',
    category_uid: 6,
    category_name: 'Application Activity',
    activity_id: ACTIVITIES[activity],
    activity_name: activity,
    type_uid: CLASS_UID * 100 + ACTIVITIES[activity],
    type_name: `API Activity: ${activity}`,
    severity_id: 1,
    severity: 'Informational',
    status_id: 1,
    status: 'Success',
    time: event.occurredAt.getTime(),
    time_dt: event.occurredAt.toISOString(),
    metadata: {
      version: '1.3.0',
      product: { name: 'Waypost', vendor_name: 'Waypost' },
      uid: toPublicId('evt', event.id),
      log_name: 'audit',
      tenant_uid: toPublicId('tnt', event.tenantId),
      ...(event.seq !== null && { sequence: Number(event.seq) }),
    },
    actor: { user: { uid: event.actor, type_id: event.actor === 'system' ? 3 : 1 } },
    api: { operation: event.action, request: { uid: event.requestId }, service: { name: 'waypost' } },
    // The network, for no address is kept. Without one it was the service itself.
    src_endpoint: { name: event.addressPrefix ?? 'waypost' },
    resources: [{ uid: event.targetId, type: event.targetType }],
    unmapped: { before: event.before, after: event.after },
  };
}
