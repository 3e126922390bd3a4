import { randomUUID } from 'node:crypto';
import { NIL_UUID } from '../ids.js';
import type { Context } from './context.js';
import { continueTrace } from './trace.js';

/** The worker's own upkeep of one tenant: what it changes stands in the audit trail as `system`. */
export const systemContext = (tenantId: string): Context => ({
  tenantId,
  platform: false,
  actor: 'system',
  permissions: new Set(),
  clientAddress: '',
  requestId: randomUUID(),
  traceparent: continueTrace(undefined).traceparent,
});

/** The platform's operators at a command line of the deployment: who has its secrets needs no further credentials. */
export const operatorContext = (): Context => ({ ...systemContext(NIL_UUID), platform: true, actor: 'platform' });
