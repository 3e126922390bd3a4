import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../../src/platform/database/connect.js';
import { literalUuid } from '../../src/platform/database/set-tenant.js';
import { Transactions } from '../../src/platform/database/transactions.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { asRole, databaseUrl } from '../support/database.js';

// A statement is told by a random number: who sees the same one has been answered by the same statement.
const NUMBER = 'SELECT random() AS number';
type Numbered = { number: number };
type About = { id: string; number: number };
const each = (_tenantId: string, ids: string[]): string =>
  `SELECT id, (SELECT random()) AS number
   FROM unnest(ARRAY[${ids.map(literalUuid).join(', ')}]::uuid[]) AS id WHERE id <> '${NOBODY}'`;
const NOBODY = '00000000-0000-0000-0000-000000000001';
const tenant = randomUUID();

describe('questions of a tenant that wait at the same time', () => {
  let transactions: Transactions;
  beforeAll(async () => {
    const options = { url: await databaseUrl('waypost_app'), applicationName: 'questions', poolSize: 4, entities: [] };
    transactions = new Transactions(await connect(options, createLogger('silent', false)));
  });
  afterAll(() => transactions.onApplicationShutdown());

  const number = (): Promise<Numbered[]> => transactions.ask<Numbered>(tenant, NUMBER);
  /** As many as are carried out at once: what is asked next waits for one of them. */
  const busy = (seconds = 0.2): Promise<unknown> =>
    Promise.all([1, 2].map((n) => transactions.ask(tenant, `SELECT ${n}, pg_sleep(${seconds})`)));

  it('are put once where they are the same', async () => {
    const [, ...answers] = await Promise.all([busy(), number(), number(), number()]);
    const numbers = answers.map(([row]) => row?.number);
    expect(numbers[0]).toBeDefined();
    expect(new Set(numbers).size).toBe(1);
    expect(numbers).not.toContain((await number())[0]?.number);
  });

  it('about things of a kind are one statement, and each has the row of its own', async () => {
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const asked = [...ids, NOBODY, ids[0] as string];
    const [, ...answers] = await Promise.all([
      busy(),
      ...asked.map((id) => transactions.askAbout<About>(tenant, each, id)),
    ]);
    expect(answers.map((row) => row?.id)).toEqual([...ids, undefined, ids[0]]);
    expect(new Set(answers.filter((row) => row !== undefined).map((row) => row.number)).size).toBe(1);
  });

  it('do not wait for, nor share, those of another tenant', async () => {
    const sleeping = busy(2);
    const seen = (of: string): Promise<Array<{ tenant: string }>> =>
      transactions.ask(of, `SELECT current_setting('app.tenant_id') AS tenant`);
    const other = randomUUID();
    const asked = performance.now();
    expect(await seen(other)).toEqual([{ tenant: other }]);
    expect(performance.now() - asked).toBeLessThan(1_500);
    expect(await Promise.all([seen(tenant), seen(other)])).toEqual([[{ tenant }], [{ tenant: other }]]);
    await sleeping;
  });

  it('are put after the last who shares the answer has asked', async () => {
    const now = 'SELECT extract(epoch FROM clock_timestamp())::float8 AS now';
    const told = async (): Promise<number> => (await transactions.ask<{ now: number }>(tenant, now))[0]?.now ?? 0;
    await asRole('postgres', async (client) => {
      for (let n = 0; n < 20; n++) {
        const before = Array.from({ length: 6 }, told); // on their way, and waiting
        const { rows } = await client.query<{ now: number }>(now);
        expect(await told()).toBeGreaterThan(rows[0]?.now ?? Infinity);
        await Promise.all(before);
      }
    });
  });

  it('fail alone', async () => {
    const [, broken, whole] = await Promise.allSettled([
      busy(),
      transactions.ask(tenant, 'SELECT 1 / 0'),
      transactions.askAbout<About>(tenant, each, tenant),
    ]);
    expect(broken).toMatchObject({ status: 'rejected', reason: { message: 'division by zero' } });
    expect(whole).toMatchObject({ status: 'fulfilled', value: { id: tenant } });
  });
});
