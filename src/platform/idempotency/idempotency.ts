import { Injectable } from '@nestjs/common';
import type { Context, Tx } from '../context/context.js';
import { Transactions } from '../database/transactions.js';
import { DomainError, invalidField } from '../http/domain-error.js';
import { Secrets, sha256 } from '../secrets/secrets.js';
import { IdempotencyRepository, type StoredAnswer } from './idempotency.repository.js';

const KEY = /^[\x21-\x7e]{1,255}$/;
const KEPT_MS = 24 * 3600 * 1000;

export interface Request {
  key: string;
  method: string;
  path: string;
  body: unknown;
}

interface Handled {
  status: number;
  body: unknown;
}
type Handle = () => Promise<Handled>;

export interface Answer extends Handled {
  replayed: boolean;
}

/** A request that is being handled, as far as a transaction goes. */
interface Handling {
  /** Known once it wants one, or needs none. */
  wish: Promise<{ together: boolean }>;
  join: (tx: Tx) => void;
  fail: (error: unknown) => void;
  handled: Promise<Handled>;
}

const hashOf = ({ method, path, body }: Request): Buffer =>
  sha256(`${method} ${path}\n${JSON.stringify(body ?? null)}`);

/**
 * Idempotent requests: the answer is stored in the transaction that has the effect, so that there is never one
 * without the other. A request that failed left no trace and may be tried again with the same key.
 */
@Injectable()
export class Idempotency {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: IdempotencyRepository,
    private readonly secrets: Secrets,
  ) {}

  /**
   * @throws DomainError 409 `idempotency_in_progress`, 422 `idempotency_key_reused`, 422 for a malformed key
   */
  async run(ctx: Context, request: Request, handle: Handle): Promise<Answer> {
    if (!KEY.test(request.key)) {
      throw invalidField(
        '/Idempotency-Key',
        'invalid_header',
        'Use 1 to 255 printable ASCII characters without spaces.',
      );
    }
    try {
      return await this.inOneTransaction(ctx, request, handle);
    } catch (error) {
      if (!(error instanceof Answered)) throw error;
      if (error.stored === 'held') throw inProgress();
      return this.replay(error.stored, hashOf(request));
    }
  }

  /**
   * While `handle` runs, use cases called with this context join one transaction, which the first of them opens: whoever
   * waits before that, for a turn or for a server, would keep its connection from others. It is opened at the end for
   * those who never asked for it, since their answer may be known.
   */
  private async inOneTransaction(ctx: Context, request: Request, handle: Handle): Promise<Answer> {
    const first = this.begin(ctx, handle);
    const wish = await first.wish;
    let begun: Handling | undefined = first;
    try {
      const work = async (tx: Tx): Promise<Answer> => {
        // In a transaction that failed with others, or for their sake, it was handled in vain.
        const { join, handled } = begun ?? this.begin(ctx, handle);
        begun = undefined;
        const unanswered = this.take(tx, ctx, request.key);
        join({ ...tx, unanswered });
        const { status, body } = await unlessAnswered(unanswered, handled);
        await this.keep(tx, ctx, request, { status, body });
        return { status, body, replayed: false };
      };
      return await this.transactions.run({ ...ctx, tx: undefined }, work, wish);
    } catch (error) {
      // Of a transaction that could not be opened.
      first.fail(error);
      throw error;
    }
  }

  private begin(ctx: Context, handle: Handle): Handling {
    const wish = Promise.withResolvers<{ together: boolean }>();
    const joined = Promise.withResolvers<Tx>();
    ctx.tx = (its) => {
      wish.resolve(its);
      return joined.promise;
    };
    const handled = handle().finally(() => {
      ctx.tx = undefined;
      wish.resolve({ together: false });
    });
    // Whoever waits for these is told.
    handled.catch(() => undefined);
    joined.promise.catch(() => undefined);
    return { wish: wish.promise, join: joined.resolve, fail: joined.reject, handled };
  }

  private async keep(tx: Tx, ctx: Context, request: Request, { status, body }: Handled): Promise<void> {
    await this.records.store(tx, {
      principal: ctx.actor,
      key: request.key,
      requestHash: hashOf(request),
      status,
      sealedBody: this.secrets.seal('idempotency', JSON.stringify(body ?? null)),
      expiresAt: new Date(Date.now() + KEPT_MS),
    });
  }

  /** Under way while the request is handled already: a handler that only reads at first loses no time. @throws Answered */
  private take(tx: Tx, ctx: Context, key: string): Promise<void> {
    const unanswered = this.records.take(tx, ctx.actor, key).then((stored) => {
      if (stored) throw new Answered(stored);
    });
    // Whoever waits for it is told.
    unanswered.catch(() => undefined);
    return unanswered;
  }

  private replay(stored: StoredAnswer, hash: Buffer): Answer {
    if (!stored.requestHash.equals(hash)) throw keyReused();
    const body: unknown = JSON.parse(this.secrets.open('idempotency', stored.sealedBody));
    return { status: stored.status, body, replayed: true };
  }
}

/** That the request was answered before goes before whatever came of handling it once more. */
async function unlessAnswered<T>(unanswered: Promise<void>, handled: Promise<T>): Promise<T> {
  try {
    return await handled;
  } finally {
    await unanswered;
  }
}

/** Rolls back what was done for a request that was answered before, or is being answered. */
class Answered extends Error {
  constructor(readonly stored: 'held' | StoredAnswer) {
    super('The request was answered before');
  }
}

const inProgress = (): DomainError =>
  new DomainError('conflict', 'idempotency_in_progress', 'A request with this Idempotency-Key is still running.');

const keyReused = (): DomainError =>
  new DomainError('invalid', 'idempotency_key_reused', 'This Idempotency-Key was used for another request.');
