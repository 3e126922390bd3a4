import { z } from 'zod';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import type { AuditEventEntity } from './audit-event.entity.js';

export const listAuditEvents = z.strictObject({
  ...pageQuery,
  action: z.string().max(100).optional().meta({ description: 'Such as link.updated' }),
  target: z.string().max(100).optional().meta({ description: 'Public id of what was changed' }),
});
export type ListAuditEvents = z.output<typeof listAuditEvents>;

const auditEventResponse = z.object({
  id: publicIdText('evt'),
  action: z.string(),
  actor: z.string().meta({ description: 'Public id of an API key, `platform`, or `system`' }),
  target: z.object({ type: z.string(), id: z.string() }),
  before: z.record(z.string(), z.unknown()).nullable(),
  after: z.record(z.string(), z.unknown()).nullable(),
  requestId: z.string(),
  occurredAt: z.iso.datetime(),
});
export const auditEventPage = pageOf(auditEventResponse);

export const toAuditEventResponse = (event: AuditEventEntity) => ({
  id: toPublicId('evt', event.id),
  action: event.action,
  actor: event.actor,
  target: { type: event.targetType, id: event.targetId },
  before: event.before,
  after: event.after,
  requestId: event.requestId,
  occurredAt: event.occurredAt.toISOString(),
});
