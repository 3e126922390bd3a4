/** What went wrong, in terms the problem filter maps to an HTTP status. */
export const STATUS_OF = {
  malformed: 400,
  unauthenticated: 401,
  over_quota: 402,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  too_many: 429,
  unavailable: 503,
} as const;

export type ErrorKind = keyof typeof STATUS_OF;

/** One fault of the input. `pointer` is a JSON Pointer (RFC 6901) into the body, or names the parameter. */
export interface InputFault {
  pointer: string;
  code: string;
  message: string;
}

/**
 * An error the caller can act on. `code` is stable and documented in docs/errors.md; `detail` is for people and may
 * name facts of the request, never of another tenant.
 */
export class DomainError extends Error {
  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    readonly detail: string,
    readonly faults: InputFault[] = [],
    /** Further members of the problem, for programs: see problem.schema.ts. */
    readonly facts: object = {},
  ) {
    super(`${code}: ${detail}`);
  }
}

/** A single fault found by a rule after the schema has passed. */
export const invalidField = (pointer: string, code: string, message: string): DomainError =>
  new DomainError('invalid', 'invalid_input', 'The input is not valid.', [{ pointer, code, message }]);
