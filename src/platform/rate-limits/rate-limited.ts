import type { FastifyReply } from 'fastify';
import { DomainError } from '../http/domain-error.js';
import { apiLimited } from '../telemetry/metrics.js';
import { type Allowance, allowanceField, policyField } from './rate-limit-fields.js';

/** Of every limit, in ms. */
export const WINDOW_MS = 60_000;

const TOO_MANY = {
  address: 'requests from this address',
  failures: 'requests without good credentials from this address',
  credential: 'requests of this credential',
  tenant: 'requests of this tenant',
};
type LimitName = keyof typeof TOO_MANY;

const rateLimited = (limit: LimitName): DomainError =>
  new DomainError('too_many', 'rate_limited', `Too many ${TOO_MANY[limit]}. Try again after Retry-After seconds.`);

type Counted = { totalHits: number; timeToExpire: number; isBlocked: boolean };

/**
 * Tells the client of a limit, beside those that it was told of before.
 *
 * @throws DomainError 429 when it is exceeded
 */
export function applyLimit(reply: FastifyReply, name: LimitName, limit: number, counted: Counted): void {
  const { totalHits, timeToExpire: reset, isBlocked } = counted;
  const allowance: Allowance = { name, limit, window: WINDOW_MS / 1000, remaining: limit - totalHits, reset };
  add(reply, 'ratelimit-policy', policyField(allowance));
  add(reply, 'ratelimit', allowanceField(allowance));
  if (!isBlocked) return;
  apiLimited.inc({ limit: name });
  void reply.header('retry-after', String(reset));
  throw rateLimited(name);
}

function add(reply: FastifyReply, field: string, item: string): void {
  const known = reply.getHeader(field);
  void reply.header(field, known === undefined ? item : `${String(known)}, ${item}`);
}
