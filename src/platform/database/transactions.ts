import type { OnApplicationShutdown } from '@nestjs/common';
import {
  type DataSource,
  type QueryRunner,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm';
import type { Context, Tx, Write } from '../context/context.js';
import { abandon } from './discard.js';
import { type AboutMany, Questions } from './questions.js';
import { setTenant } from './set-tenant.js';
import { inTenantGroups } from './tenant-groups.js';
import { carryOut } from './write-at-commit.js';

/** What is to be done in a transaction, for whom. */
interface Piece {
  ctx: Context;
  work: (tx: Tx) => Promise<unknown>;
}

/** The application's door to the database, as waypost_app: one tenant at a time, under row-level security. */
export class Transactions implements OnApplicationShutdown {
  private readonly pieces = inTenantGroups<Piece, unknown>((_tenantId, group) => this.runGroup(group));
  private readonly questions: Questions;

  /** @param replica where reads may go that can be a moment behind */
  constructor(
    private readonly primary: DataSource,
    private readonly replica: DataSource = primary,
  ) {
    this.questions = new Questions(primary);
  }

  /**
   * Runs a use case in one transaction, in which row-level security lets it see the context's tenant alone. Joins the
   * request's transaction where it has one. Any error rolls everything back.
   *
   * @param readsFirst work that begins with reading, and itself waits for `tx.unanswered` before it writes
   * @param together work that may share its transaction with other work of the tenant, and is repeated in one of its own
   *   where any of it fails: it has no effect but the transaction's
   */
  async run<T>(ctx: Context, work: (tx: Tx) => Promise<T>, { readsFirst = false, together = false } = {}): Promise<T> {
    if (!ctx.tx) {
      if (!together || ctx.platform) return this.runOn(this.primary, ctx, work);
      return this.pieces.run(ctx.tenantId, { ctx, work }) as Promise<T>;
    }
    const tx = await ctx.tx({ together });
    if (!readsFirst) await tx.unanswered;
    return work(tx);
  }

  /**
   * The same for questions whose answer may be a moment old: they go to the replica, where there is one. All statements
   * of one see the same moment.
   */
  async read<T>(ctx: Context, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.runOn(this.replica, ctx, work, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  }

  private async runOn<T>(
    dataSource: DataSource,
    ctx: Context,
    work: (tx: Tx) => Promise<T>,
    begin = 'BEGIN',
  ): Promise<T> {
    const runner = dataSource.createQueryRunner();
    let begun: Promise<unknown> | undefined;
    try {
      await runner.connect();
      const writes: Write[] = [];
      const afterCommit: Array<() => void> = [];
      const { tenantId, restrictions } = ctx;
      begun = sendAhead(this.begin(runner, ctx, begin));
      const result = await work({ tenantId, restrictions, manager: runner.manager, writes, afterCommit });
      await commit(runner, begun, writes);
      for (const follow of afterCommit) follow();
      return result;
    } catch (error) {
      // Where it did not begin, no tenant was set and nothing was there to be found: that is what went wrong first.
      const reason = await Promise.resolve(begun).then(
        () => error,
        (failure: unknown) => failure,
      );
      await abandon(runner, reason);
      throw connectionLost(reason);
    } finally {
      await runner.release();
    }
  }

  /**
   * A question outside of any transaction, for what is asked most.
   *
   * @param statement a literal: nothing of the caller's may stand in it that is not checked or encoded
   */
  async ask<Row>(tenantId: string, statement: string): Promise<Row[]> {
    return this.questions.put(tenantId, { statement }) as Promise<Row[]>;
  }

  /** The same about one thing of many that others may ask about: one statement is about all of them. */
  async askAbout<Row extends { id: string }>(
    tenantId: string,
    statement: AboutMany,
    id: string,
  ): Promise<Row | undefined> {
    const rows = (await this.questions.put(tenantId, { statement, id })) as Row[];
    return rows.find((row) => row.id === id);
  }

  /** Works as another tenant within the open transaction: how operators create a tenant and its first rows. */
  async asTenant<T>(tx: Tx, tenantId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    await tx.manager.query(setTenant(tenantId));
    const writes: Write[] = [];
    const result = await work({ ...tx, tenantId, writes });
    await carryOut(tx.manager, writes);
    await tx.manager.query(setTenant(tx.tenantId));
    return result;
  }

  private async runGroup(group: Piece[]): Promise<unknown[]> {
    const [first] = group;
    if (!first) return [];
    return this.runOn(this.primary, first.ctx, async (tx) => {
      const answers = new Map<string, Promise<unknown>>();
      // Nothing of a piece may come after the transaction, not even if another one has failed.
      const results = await Promise.allSettled(
        group.map(({ ctx: { restrictions }, work }) => work({ ...tx, restrictions, answers })),
      );
      return results.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
    });
  }

  /** BEGIN and the settings travel in one message, along with what comes next. */
  private begin(runner: QueryRunner, ctx: Context, begin: string): Promise<unknown> {
    const settings = [setTenant(ctx.tenantId), ...(ctx.platform ? [`SET LOCAL app.platform = 'on'`] : [])];
    // What startTransaction() would have noted; TypeORM refuses row locks and commits without it.
    Object.assign(runner, { isTransactionActive: true, transactionDepth: 1 });
    return Promise.all([begin, ...settings].map((statement) => runner.query(statement)));
  }

  /** @throws when the database does not answer */
  async ping(): Promise<void> {
    await this.primary.query('SELECT 1');
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...new Set([this.primary, this.replica])].map((dataSource) => dataSource.destroy()));
  }
}

/** Of a statement that is on its way while others are made. Whoever waits for it later is told of its failure. */
function sendAhead<T>(statement: Promise<T>): Promise<T> {
  statement.catch(() => undefined);
  return statement;
}

/** The writes left to it travel together with COMMIT, which is not carried out where one of them fails. */
async function commit(runner: QueryRunner, begun: Promise<unknown>, writes: Write[]): Promise<void> {
  const answers = await Promise.allSettled([begun, carryOut(runner.manager, writes), runner.commitTransaction()]);
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed) throw failed.reason;
}

/** TypeORM tells the use of a connection that broke meanwhile like a mistake of ours. */
const connectionLost = (error: unknown): unknown =>
  error instanceof QueryRunnerAlreadyReleasedError || error instanceof QueryRunnerProviderAlreadyReleasedError
    ? new Error('Connection terminated', { cause: error })
    : error;
