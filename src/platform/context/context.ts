import type { EntityManager } from 'typeorm';

/** The links that somebody is confined to: both must hold where both are given. */
export interface LinkRestrictions {
  /** Only links on these domains (UUIDs). */
  readonly domainIds?: readonly string[];
  /** Only links that have one of these tags. */
  readonly tags?: readonly string[];
}

/** A write as a call of a database function. What it returns is not looked at: a write that must not be raises an error. */
export interface Write {
  /** The function's name. */
  readonly call: string;
  readonly values: readonly unknown[];
  /** Which of the values is a number to which those of the like writes in the transaction are added: one for all is made. */
  readonly adds?: number;
  /** What a failure of the statement means to the caller, where it is this write's. */
  readonly refusal?: (error: unknown) => Error | undefined;
}

/** An open transaction of one tenant. There is no other way to a tenant's tables. */
export interface Tx {
  readonly tenantId: string;
  /** Those of the context, so that no reader can forget them. */
  readonly restrictions?: LinkRestrictions | undefined;
  readonly manager: EntityManager;
  /** What goes along with the commit: see writeAtCommit. */
  readonly writes?: Write[];
  /**
   * Pending while it is not known whether the request was answered before (Idempotency-Key); then it rejects, and all
   * that was done meanwhile is rolled back.
   */
  readonly unanswered?: Promise<void> | undefined;
  /** What was asked for all work that shares it: see askOnce. Absent in a transaction of one piece of work. */
  readonly answers?: Map<string, Promise<unknown>>;
  /** What is to be done once it has committed. */
  readonly afterCommit?: Array<() => void>;
}

/** Who asks, for whom, in which request: the first argument of every use case. It carries the open transaction, if any. */
export interface Context {
  /** UUID of the tenant all work is for; NIL_UUID when the platform's operators act. */
  readonly tenantId: string;
  /** True for the platform's operators, who see every tenant and own none. */
  readonly platform: boolean;
  /** Public id of the API key or the member, `platform` or `platform:<name>`, or `system` for the worker's own upkeep. */
  readonly actor: string;
  readonly permissions: ReadonlySet<string>;
  /** Absent for who may see and change every link of the tenant. */
  readonly restrictions?: LinkRestrictions | undefined;
  /** As the trusted proxies tell it, in canonical form; empty where nobody asked from anywhere. */
  readonly clientAddress: string;
  readonly requestId: string;
  /** The network that the request came from, as `addressPrefix` tells it; absent for the worker's own upkeep. */
  readonly addressPrefix?: string | undefined;
  /** W3C trace context, continued into jobs and events. */
  readonly traceparent: string;
  /** Whether the credentials still open what they were shown for: for answers that go on. Absent where nobody asked. */
  readonly stillHolds?: (() => Promise<boolean>) | undefined;
  /**
   * Set while an idempotent request is handled: gives the one transaction that its use cases join. The first that asks for
   * it opens it, so that a request which waits for something else holds no connection yet, and says whether it may be
   * shared: see Transactions.run.
   */
  tx?: ((wish: { together: boolean }) => Promise<Tx>) | undefined;
}
