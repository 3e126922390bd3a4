import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { GatheringClient, NotCarriedOut } from '../../src/platform/database/gathering-client.js';
import { databaseUrl } from '../support/database.js';
import { eventually } from '../support/waypost.js';

let client: GatheringClient;
beforeAll(async () => {
  client = new GatheringClient({ connectionString: await databaseUrl('waypost_app'), pipeline: true });
  await client.connect();
});
afterAll(() => client.end());

async function ask(sql: string, values?: unknown[], on: pg.Client = client): Promise<unknown> {
  return (await on.query<Record<string, unknown>>(sql, values)).rows[0];
}

const reasons = (results: Array<PromiseSettledResult<unknown>>): Array<string | undefined> =>
  results.map((result) => (result.status === 'rejected' ? String((result.reason as Error).message) : undefined));

describe('statements of a transaction that are made in one go', () => {
  it('are each answered with their own rows, in order', async () => {
    const answers = await Promise.all([
      ask('BEGIN'),
      ask(`SET LOCAL app.tenant_id = 'a'`),
      ask(`SELECT current_setting('app.tenant_id') AS tenant, $1::int AS n, $2::timestamptz AS at`, [7, new Date(0)]),
      ask('SELECT 1 AS one WHERE false'),
      ask('SELECT $1::text[] AS list', [['x', null]]),
      ask('COMMIT'),
      ask(`SELECT current_setting('app.tenant_id', true) AS tenant`),
    ]);
    expect(answers).toEqual([
      undefined,
      undefined,
      { tenant: 'a', n: 7, at: new Date(0) },
      undefined,
      { list: ['x', null] },
      undefined,
      { tenant: '' },
    ]);
  });

  it('may be the same with other values, of which some can not be written down', async () => {
    const loop: Record<string, unknown> = {};
    loop.itself = loop;
    const same = 'SELECT $1::jsonb AS value';
    const results = await Promise.allSettled([
      ask('BEGIN'),
      ...[loop, { n: 1 }, loop, { n: 2 }].map((value) => ask(same, [value])),
      ask('SELECT $1::int AS other', [3]),
      ask(same, [{ n: 4 }]),
      ask('COMMIT'),
      ask(same, [{ n: 5 }]),
    ]);
    const circular = expect.stringContaining('circular');
    expect(reasons(results)).toEqual([undefined, circular, undefined, circular, ...Array<undefined>(5)]);
    expect(results.flatMap((result) => (result.status === 'fulfilled' && result.value ? [result.value] : []))).toEqual([
      { value: { n: 1 } },
      { value: { n: 2 } },
      { other: 3 },
      { value: { n: 4 } },
      { value: { n: 5 } },
    ]);
  });

  it('are not carried out after one that fails, COMMIT included, and a rollback comes through', async () => {
    const results = await Promise.allSettled([
      ask('BEGIN'),
      ask('SELECT 1 AS one'),
      ask('SELECT 1 / $1::int AS failing', [0]),
      ask('SELECT 2 AS two'),
      ask('COMMIT'),
      ask('ROLLBACK'),
      ask('SELECT 3 AS three'),
    ]);
    const unreached = 'A statement before this one failed';
    expect(reasons(results)).toEqual([
      undefined,
      undefined,
      'division by zero',
      unreached,
      unreached,
      undefined,
      undefined,
    ]);
    const [, , , skipped] = results;
    expect(skipped?.status === 'rejected' && skipped.reason).toBeInstanceOf(NotCarriedOut);
    expect(skipped).toMatchObject({ reason: { cause: { message: 'division by zero' } } });
    expect(client.getTransactionStatus()).toBe('I');
  });

  it('fail alone where their values can not be written down', async () => {
    const loop: Record<string, unknown> = {};
    loop.itself = loop;
    const results = await Promise.allSettled([
      ask('BEGIN'),
      ask('SELECT $1::jsonb AS value', [loop]),
      ask('SELECT 2 AS two'),
      ask('ROLLBACK'),
    ]);
    expect(reasons(results)).toEqual([undefined, expect.stringContaining('circular'), undefined, undefined]);
    expect(results[2]).toMatchObject({ value: { two: 2 } });
  });

  it('are all told of a connection that breaks', async () => {
    const broken = new GatheringClient({ connectionString: await databaseUrl('waypost_app'), pipeline: true });
    broken.on('error', () => undefined);
    await broken.connect();
    const statements = ['BEGIN', 'SELECT pg_sleep(30)', 'COMMIT'];
    const results = Promise.allSettled(statements.map((statement) => ask(statement, undefined, broken)));
    const pid = await eventually(
      () => ask(`SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT pg_sleep(30%'`),
      (asleep) => asleep !== undefined,
      10,
    );
    await ask('SELECT pg_terminate_backend($1::int)', [(pid as { pid: number }).pid]);
    const [begun, asleep, committed] = await results;
    expect(begun?.status).toBe('fulfilled');
    expect([asleep?.status, committed?.status]).toEqual(['rejected', 'rejected']);
  });
});
