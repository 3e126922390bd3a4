import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../../src/platform/database/connect.js';
import { literalUuid, Transactions } from '../../src/platform/database/transactions.js';
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

  it('are answered with what was so after they were asked', async () => {
    await asRole('postgres', async (client) => {
      await client.query('CREATE SEQUENCE IF NOT EXISTS asked_after; GRANT SELECT ON asked_after TO waypost_app');
      try {
        const last = (): Promise<Array<{ last: string }>> =>
          transactions.ask(tenant, 'SELECT last_value AS last, is_called FROM asked_after');
        for (let n = 1; n <= 20; n++) {
          const before = Array.from({ length: 6 }, last); // on their way, and waiting
          await client.query(`SELECT setval('asked_after', ${n})`);
          expect(await last()).toEqual([{ last: String(n), is_called: true }]);
          await Promise.all(before);
        }
      } finally {
        await client.query('DROP SEQUENCE asked_after');
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
