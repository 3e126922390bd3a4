import type { Client, QueryResult } from 'pg';
import type { DataSource } from 'typeorm';
import { isCitus } from './citus.js';
import { isUnavailable } from './database-errors.js';
import { abandon } from './discard.js';
import { setTenant } from './set-tenant.js';
import { inTenantGroups } from './tenant-groups.js';

/** Makes a literal statement about several things of a tenant, of each of which it gives one row at most. */
export type AboutMany = (tenantId: string, ids: string[]) => string;

export interface Question {
  statement: string | AboutMany;
  /** Of the thing it is about. */
  id?: string;
}

/**
 * Questions outside of any transaction, for what is asked most: each travels in one message with what makes it the tenant's,
 * and with other questions of the tenant. Those that wait together and are alike are put once: the answer is never older
 * than the question.
 */
export class Questions {
  private readonly waiting = inTenantGroups<Question, unknown[]>((tenantId, group) => this.putGroup(tenantId, group));
  /** Whether the server keeps tenants on other nodes. */
  private distributed: boolean | undefined;

  constructor(private readonly dataSource: DataSource) {}

  put(tenantId: string, question: Question): Promise<unknown[]> {
    return this.waiting.run(tenantId, question);
  }

  private async putGroup(tenantId: string, group: Question[]): Promise<unknown[][]> {
    const alike = Map.groupBy(group, ({ statement }) => statement);
    const texts = [...alike].map(([statement, asked]) =>
      typeof statement === 'string'
        ? statement
        : statement(tenantId, [...new Set(asked.flatMap(({ id }) => id ?? []))]),
    );
    const answers = await this.putAll(tenantId, texts);
    const rowsOf = new Map([...alike.keys()].map((statement, at) => [statement, answers[at] ?? []]));
    return group.map(({ statement }) => rowsOf.get(statement) ?? []);
  }

  /** In a transaction of their own. */
  private async putAll(tenantId: string, statements: string[]): Promise<unknown[][]> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const client = (await runner.connect()) as Client;
      this.distributed ??= await isCitus(client);
      const all = [setTenant(tenantId), ...statements];
      const [, ...answers] = this.distributed ? await inOneMessage(client, all) : await asOneText(client, all);
      return answers.map(({ rows }) => rows);
    } catch (error) {
      await abandon(runner, error);
      throw error;
    } finally {
      await runner.release();
    }
  }
}

/** Several statements sent as one text are a transaction of their own, and the server hears of them once. */
const asOneText = async (client: Client, statements: string[]): Promise<QueryResult[]> =>
  (await client.query(statements.join('; '))) as unknown as QueryResult[];

/** Citus would repeat the whole of a text on each node for the SET LOCAL in it. */
async function inOneMessage(client: Client, statements: string[]): Promise<QueryResult[]> {
  const sent = ['BEGIN', ...statements, 'COMMIT'].map((statement) => client.query(statement));
  const answers = await Promise.allSettled(sent);
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (!failed) return Promise.all(sent.slice(1, -1));
  if (!isUnavailable(failed.reason)) await client.query('ROLLBACK');
  throw failed.reason;
}
