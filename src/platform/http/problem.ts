import { isUnavailable } from '../database/database-errors.js';
import { DomainError, type ErrorKind, type InputFault, STATUS_OF } from './domain-error.js';

/** Where docs/errors.md is published; the fragment is the code. */
const ERROR_DOCS = 'https://waypost.dev/errors#';

/** RFC 9457 problem details. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  errors?: InputFault[];
  quota?: object;
  traceId: string;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

const title = (code: string): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ');

export function toProblem(error: DomainError, instance: string, traceId: string): Problem {
  return {
    type: ERROR_DOCS + error.code,
    title: title(error.code),
    status: STATUS_OF[error.kind] ?? 500,
    detail: error.detail,
    instance,
    code: error.code,
    ...(error.faults.length > 0 && { errors: error.faults }),
    ...error.facts,
    traceId,
  };
}

export const internalProblem = (instance: string, traceId: string): Problem => ({
  type: `${ERROR_DOCS}internal_error`,
  title: title('internal_error'),
  status: 500,
  detail: 'Something went wrong on our side. Quote the traceId when you report it.',
  instance,
  code: 'internal_error',
  traceId,
});

// What the router and the parser of the HTTP server answer by themselves, in the contract's terms.
const BY_STATUS: Partial<Record<number, [ErrorKind, string, string]>> = {
  400: ['malformed', 'malformed_request', 'The request is not well-formed.'],
  401: ['unauthenticated', 'unauthenticated', 'Credentials are missing or not valid.'],
  403: ['forbidden', 'forbidden', 'The credentials do not permit this.'],
  404: ['not_found', 'not_found', 'There is nothing at this path.'],
  405: ['method_not_allowed', 'method_not_allowed', 'This path has no such method.'],
  413: ['too_large', 'body_too_large', 'The body is larger than this path takes.'],
  414: ['malformed', 'malformed_request', 'The URL is too long.'],
  415: ['unsupported_media_type', 'unsupported_media_type', 'The body must be application/json.'],
};

const unavailable = (): DomainError =>
  new DomainError(
    'unavailable',
    'temporarily_unavailable',
    'A dependency does not answer. Nothing was changed; try again.',
  );

/** The domain error that an error of any origin amounts to; undefined for a fault of ours. */
export function asDomainError(error: unknown): DomainError | undefined {
  if (error instanceof DomainError) return error;
  const status = statusOf(error);
  const known = status === undefined ? undefined : BY_STATUS[status];
  // Before the connections are looked at: a client that hangs up half way is a reset connection too, but no dependency's.
  if (known) return new DomainError(...known);
  return status === 503 || isUnavailable(error) ? unavailable() : undefined;
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { statusCode, status } = error as { statusCode?: unknown; status?: unknown };
  const given = statusCode ?? status;
  return typeof given === 'number' ? given : undefined;
}
