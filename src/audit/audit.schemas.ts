import { z } from 'zod';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import type { ListedEvent } from './audit.repository.js';
import { FAULTS, type Verification } from './chain-check.js';

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .meta({ type: 'string', format: 'date-time' });

const filters = {
  action: z.string().min(1).max(100).optional().meta({ description: 'Such as link.updated' }),
  actor: z.string().min(1).max(300).optional().meta({ description: 'Public id of who did it' }),
  target: z.string().min(1).max(100).optional().meta({ description: 'Public id of what was changed' }),
  from: time.optional().meta({ description: 'Events of this time and later' }),
  to: time.optional().meta({ description: 'Events before this time' }),
};

export const listAuditEvents = z.strictObject({ ...pageQuery, ...filters });
export type ListAuditEvents = z.output<typeof listAuditEvents>;

export const exportAuditEvents = z.strictObject(filters);
export type ExportAuditEvents = z.output<typeof exportAuditEvents>;

const sequence = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'Use a whole number from 1.')
  .transform(Number)
  .meta({ type: 'integer', minimum: 1 });

export const verifyAuditEvents = z.strictObject({
  fromSequence: sequence
    .optional()
    .meta({ description: 'Checks from this event on; the one before is taken as right' }),
  toSequence: sequence.optional().meta({ description: 'Checks up to this event' }),
  checkpoint: z.string().max(300).optional().meta({
    description: "A checkpoint from the operators' log: the chain must contain it",
  }),
});
export type VerifyAuditEvents = z.output<typeof verifyAuditEvents>;

const auditEventResponse = z.object({
  id: publicIdText('evt'),
  sequence: z.int().nullable().meta({ description: 'Its place in the chain; null for a second or so' }),
  action: z.string(),
  actor: z.string().meta({ description: 'Public id of an API key or member, `platform` or `platform:…`, or `system`' }),
  target: z.object({ type: z.string(), id: z.string() }),
  before: z.record(z.string(), z.unknown()).nullable(),
  after: z.record(z.string(), z.unknown()).nullable(),
  requestId: z.string(),
  addressPrefix: z.string().nullable().meta({ description: "The caller's network: /24 of IPv4, /48 of IPv6" }),
  occurredAt: z.iso.datetime(),
});
export const auditEventPage = pageOf(auditEventResponse);

export const verificationResponse = z.object({
  intact: z.boolean(),
  checked: z.int().meta({ description: 'Events of the chain that are right' }),
  pending: z.int().meta({ description: 'Events that are recorded and not chained yet' }),
  firstBreak: z
    .object({
      fault: z.enum(FAULTS),
      sequence: z.int().nullable(),
      eventId: publicIdText('evt').nullable(),
      detail: z.string(),
    })
    .nullable(),
});

export const exportResponse = z.string().meta({
  description: 'application/x-ndjson: an event a line, as OCSF 1.3.0 API Activity (class 6003), oldest first',
});

export const toAuditEventResponse = (event: ListedEvent) => ({
  id: toPublicId('evt', event.id),
  sequence: event.seq === null ? null : Number(event.seq),
  action: event.action,
  actor: event.actor,
  target: { type: event.targetType, id: event.targetId },
  before: event.before,
  after: event.after,
  requestId: event.requestId,
  addressPrefix: event.addressPrefix,
  occurredAt: event.occurredAt.toISOString(),
});

export const toVerificationResponse = ({ firstBreak, ...result }: Verification) => ({
  ...result,
  firstBreak: firstBreak && { ...firstBreak, eventId: firstBreak.eventId && toPublicId('evt', firstBreak.eventId) },
});
