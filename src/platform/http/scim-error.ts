import type { FastifyRequest } from 'fastify';
import type { Problem } from './problem.js';

export const SCIM_TYPE = 'application/scim+json; charset=utf-8';

const PREFIX = '/scim/';
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** Keywords of RFC 7644, section 3.12, table 9, by our codes. */
const SCIM_TYPES: Partial<Record<string, string>> = {
  invalid_input: 'invalidValue',
  invalid_value: 'invalidValue',
  idempotency_key_reused: 'invalidValue',
  malformed_body: 'invalidSyntax',
  invalid_filter: 'invalidFilter',
  invalid_path: 'invalidPath',
  no_target: 'noTarget',
  read_only: 'mutability',
};

/** Whether a request is to be answered in SCIM's own terms: by its route, or by its path as it was sent. */
export const speaksScim = ({ routeOptions, url }: FastifyRequest): boolean =>
  (routeOptions?.url?.startsWith(PREFIX) ?? false) || url.startsWith(PREFIX);

/** A problem in SCIM's terms, which know no 422. What it does not have, the code and the trace, stand beside. */
export function toScimError({ status, code, detail, errors, traceId }: Problem) {
  const faults = (errors ?? []).map(({ pointer, message }) => `${pointer}: ${message}`);
  const scimType = SCIM_TYPES[code] ?? (code.endsWith('_taken') ? 'uniqueness' : undefined);
  return {
    schemas: [ERROR],
    status: String(status === 422 ? 400 : status),
    ...(scimType && { scimType }),
    detail: [detail, ...faults].join(' '),
    code,
    traceId,
  };
}
