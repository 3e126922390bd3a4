import { types } from 'node:util';
import { isBrokenCircuitError } from 'cockatiel';
import { QueryFailedError } from 'typeorm';
import { NotCarriedOut } from './gathering-client.js';

interface PostgresError {
  code?: string;
  message?: string;
  detail?: string;
  constraint?: string;
}

const postgresError = (error: unknown): PostgresError | undefined =>
  error instanceof QueryFailedError ? (error.driverError as PostgresError) : undefined;

/** Citus says of an error on another node no more than its message. */
const QUOTED = /constraint "([^"]+)"/;

/** `name` is that of the whole table's index; the server names the partition's (`links_p03_domain_key`), Citus the shard's. */
const violates = (error: unknown, code: string, name: string): boolean => {
  const { code: actual, message = '', constraint = QUOTED.exec(message)?.[1] } = postgresError(error) ?? {};
  return actual === code && constraint?.replace(/_p\d{2,3}_/, '_').replace(/_\d{6,}$/, '') === name;
};

export const isUniqueViolation = (error: unknown, index: string): boolean => violates(error, '23505', index);
export const isForeignKeyViolation = (error: unknown, constraint: string): boolean =>
  violates(error, '23503', constraint);

/** What a function of ours tells with the error that it raises. @returns undefined for any other error */
export function raisedDetail(error: unknown, state: string): string | undefined {
  const { code, detail } = postgresError(error) ?? {};
  return code === state ? detail : undefined;
}

/** A statement that was ended at its time limit. */
export const isCancelled = (error: unknown): boolean => postgresError(error)?.code === '57014';

/** What went wrong first, where this one is of a statement that was not carried out for that. */
function originOf(error: Error): Error & { code?: string } {
  const told = (error instanceof QueryFailedError ? error.driverError : error) as Error;
  return (told instanceof NotCarriedOut ? told.cause : told) as Error;
}

export const isDeadlock = (error: unknown): boolean => types.isNativeError(error) && originOf(error).code === '40P01';

// Connection exceptions, shutdowns, too many connections, cancelled statements and locks not had in time.
const UNAVAILABLE_STATES = /^(08...|57P0[1-5]|53300|57014|55P03|25P03|40001|40P01)$/;
const UNAVAILABLE_CODES = /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/;
/** Of what waited too long for those of its tenant that came before. */
export const NO_TURN = 'The database has been busy with others for too long';
const UNAVAILABLE_MESSAGES =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|Client has encountered a connection error|not queryable|pool after calling end|Driver not Connected/i;

/** True when the database could not answer now and may answer later: the caller should be told to try again. */
export function isUnavailable(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  if (isBrokenCircuitError(error)) return true;
  const { code, message } = originOf(error);
  if (code && (UNAVAILABLE_STATES.test(code) || UNAVAILABLE_CODES.test(code))) return true;
  return message === NO_TURN || UNAVAILABLE_MESSAGES.test(message);
}

/**
 * True when the data itself was refused (SQLSTATE classes 22 and 23, or a value that can not be written down), and would
 * be at each attempt. Anything unknown is not: to try again is harmless, to give up is not.
 */
export function isDataFault(error: unknown): boolean {
  if (error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError) return true;
  return /^2[23]/.test(postgresError(error)?.code ?? '');
}
