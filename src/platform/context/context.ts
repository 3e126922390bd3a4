import type { EntityManager } from 'typeorm';

/** An open transaction of one tenant. There is no other way to a tenant's tables. */
export interface Tx {
  readonly tenantId: string;
  readonly manager: EntityManager;
}

/** Who asks, for whom, in which request: the first argument of every use case. It carries the open transaction, if any. */
export interface Context {
  /** UUID of the tenant all work is for; NIL_UUID when the platform's operators act. */
  readonly tenantId: string;
  /** True for the platform's operators, who see every tenant and own none. */
  readonly platform: boolean;
  /** Public id of the API key, `platform`, or `system` for the worker's own upkeep. */
  readonly actor: string;
  readonly permissions: ReadonlySet<string>;
  readonly requestId: string;
  /** W3C trace context, continued into jobs and events. */
  readonly traceparent: string;
  /** Set while a transaction is open around the whole request (idempotent requests): use cases join it. */
  tx?: Tx | undefined;
}
