import { InGroups } from '../resilience/in-groups.js';
import { isDeadlock, isUnavailable, NO_TURN } from './database-errors.js';
import { CONNECT_DEADLINE } from './pool-options.js';

/** Of one tenant, at the same time: while one waits for the disk, another is carried out. */
const GROUPS_AT_ONCE = 2;
/** Pieces of work, or questions: whoever comes first does not wait for more than these. */
const IN_A_GROUP = 32;

const tooLate = (): Error => new Error(NO_TURN);

/** Where the connection is lost, nobody knows whether what was sent has been committed: it must not be repeated. */
const wasRolledBack = (error: unknown): boolean => !isUnavailable(error) || isDeadlock(error);

/** What is to be done for tenants, those of each in groups. @param carryOut gives the results in order */
export const inTenantGroups = <Given, Result>(
  carryOut: (tenantId: string, group: Given[]) => Promise<Result[]>,
): InGroups<Given, Result> =>
  new InGroups(GROUPS_AT_ONCE, IN_A_GROUP, CONNECT_DEADLINE, tooLate, carryOut, wasRolledBack);
