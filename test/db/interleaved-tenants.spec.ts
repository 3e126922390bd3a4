import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import type { DataSource } from 'typeorm';
import type { Tx } from '../../src/platform/context/context.js';
import { operatorContext, systemContext } from '../../src/platform/context/system-context.js';
import { connect } from '../../src/platform/database/connect.js';
import { isUnavailable } from '../../src/platform/database/database-errors.js';
import { Transactions } from '../../src/platform/database/transactions.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { APP_ENTITIES } from '../../src/roles/entities.js';
import { CITUS_BIN } from '../support/citus-cluster.js';
import { asRole, databaseUrl } from '../support/database.js';
import { newTenant } from '../support/waypost.js';

const REQUESTS = 10_000;
const TENANTS = 50;
const CONNECTIONS = 5;
const AT_ONCE = 100;
const LINKS_EACH = 2;
const POOL = 'interleaved-tenants';

type Row = { tenant_id: string };

/** Asks for every tenant's rows, as code would that has forgotten its filter. */
const EVERYTHING = 'SELECT tenant_id FROM links';
/** The same about several things at once. */
const everythingOf = (_tenantId: string, ids: string[]): string =>
  `SELECT id, (SELECT json_agg(links) FROM links) AS seen FROM unnest('{${ids.join()}}'::uuid[]) AS id`;
const rowsIn = (tx: Tx): Promise<Row[]> => tx.manager.query(EVERYTHING) as Promise<Row[]>;

class Thrown extends Error {}

describe('many tenants on a few connections', () => {
  let pool: DataSource;
  let transactions: Transactions;
  let tenants: string[];

  beforeAll(async () => {
    const url = await databaseUrl('waypost_app');
    const options = { url, applicationName: POOL, poolSize: CONNECTIONS, entities: APP_ENTITIES };
    pool = await connect(options, createLogger('silent', false));
    transactions = new Transactions(pool);
    tenants = [];
    for (let n = 0; n < TENANTS; n++) {
      const tenant = await newTenant();
      for (let link = 0; link < LINKS_EACH; link++) await tenant.link();
      tenants.push(TypeID.fromString(tenant.tenantId).toUUID());
    }
  }, 60_000);
  afterAll(() => transactions.onApplicationShutdown());

  const run = <T>(tenant: string, work: (tx: Tx) => Promise<T>, together = false): Promise<T> =>
    transactions.run(systemContext(tenant), work, { together });
  const atOnce = <T>(work: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 5 }, work));

  // Each gives the rows that it saw, and for which tenant they should have been.
  const requests: Record<string, (own: string, other: string) => Promise<Array<[string, Row[]]>>> = {
    reads: async (own) => [[own, await run(own, rowsIn)]],
    'asks in one round trip': async (own) => [[own, await transactions.ask<Row>(own, EVERYTHING)]],
    'asks about one of several': (own) =>
      atOnce(async () => {
        const about = await transactions.askAbout<{ id: string; seen: Row[] }>(own, everythingOf, own);
        return [own, about?.seen ?? []];
      }),
    writes: async (own) => {
      const written = await run(own, (tx) =>
        tx.manager.query(`UPDATE links SET comments = $1 RETURNING tenant_id`, [own]),
      );
      return [[own, (written as [Row[], number])[0]]];
    },
    'writes together with others': (own) =>
      atOnce(async () => {
        const write = `UPDATE links SET comments = $1 RETURNING tenant_id`;
        const written = await run(own, (tx) => tx.manager.query(write, [own]), true);
        return [own, (written as [Row[], number])[0]];
      }),
    'throws together with others': async (own) => {
      const work = async (tx: Tx): Promise<never> => {
        await tx.manager.query(`UPDATE links SET comments = 'never'`);
        throw new Thrown();
      };
      const failing = atOnce(() => expectFailure(run(own, work, true), (error) => error instanceof Thrown));
      const [rows] = await Promise.all([run(own, rowsIn, true), failing]);
      return [[own, rows]];
    },
    'throws after it has written': async (own) => {
      let seen: Row[] = [];
      const work = run(own, async (tx) => {
        await tx.manager.query(`UPDATE links SET comments = 'never'`);
        seen = await rowsIn(tx);
        throw new Thrown();
      });
      await expectFailure(work, (error) => error instanceof Thrown);
      return [[own, seen]];
    },
    'fails in the database': async (own) => {
      const work = run(own, async (tx) => {
        await tx.manager.query(`UPDATE links SET comments = 'never'`);
        await tx.manager.query('SELECT 1 / 0');
      });
      await expectFailure(work, (error) => /division by zero/.test(error.message));
      return [];
    },
    'is cancelled': async (own) => {
      const work = run(own, async (tx) => {
        await tx.manager.query(`UPDATE links SET comments = 'never'`);
        await tx.manager.query('SET LOCAL statement_timeout = 1');
        await tx.manager.query('SELECT pg_sleep(10)');
      });
      await expectFailure(work, isUnavailable);
      return [];
    },
    'is an operator in two tenants': (own, other) =>
      transactions.run(operatorContext(), async (tx) => [
        [own, await transactions.asTenant(tx, own, rowsIn)],
        [other, await transactions.asTenant(tx, other, rowsIn)],
      ]),
    'is an operator who fails within a tenant': async (own) => {
      const work = transactions.run(operatorContext(), (tx) =>
        transactions.asTenant(tx, own, async () => {
          throw new Thrown();
        }),
      );
      await expectFailure(work, (error) => error instanceof Thrown);
      return [];
    },
  };
  const kinds = Object.keys(requests);
  // A cancelled one costs a new connection.
  const order = [
    ...Array.from({ length: 4 }, () => kinds.filter((kind) => kind !== 'is cancelled')).flat(),
    'is cancelled',
  ];

  /** Fails unless the work fails like this, or because its connection was taken away. */
  async function expectFailure(work: Promise<unknown>, expected: (error: Error) => boolean): Promise<void> {
    const error = await work.then(
      () => new Error('It did not fail'),
      (reason: Error) => reason,
    );
    if (!expected(error)) throw error;
  }

  /** Now and then cancels what some connection does, or ends the connection: until it is told to stop. */
  async function disturb(over: AbortSignal): Promise<number> {
    let disturbed = 0;
    await asRole('postgres', async (client) => {
      while (!over.aborted) {
        const end = disturbed % 5 === 4 ? 'pg_terminate_backend' : 'pg_cancel_backend';
        const { rowCount } = await client.query(
          `SELECT ${end}(pid) FROM (SELECT pid FROM pg_stat_activity
             WHERE application_name = $1 AND state <> 'idle' ORDER BY random() LIMIT 1) AS one`,
          [POOL],
        );
        disturbed += rowCount ?? 0;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    });
    return disturbed;
  }

  it(`see their own rows alone in ${REQUESTS} interleaved requests, also after errors and cancelled queries`, async () => {
    const counted = new Map<string, number>();
    let takenAway = 0;
    let next = 0;
    const visitor = async (): Promise<void> => {
      while (next < REQUESTS) {
        const n = next++;
        const kind = order[n % order.length] as string;
        const [own, other] = [tenants[(n * 7) % TENANTS] as string, tenants[(n * 11 + 3) % TENANTS] as string];
        try {
          for (const [tenant, rows] of (await requests[kind]?.(own, other)) ?? []) {
            expect({ kind, tenants: [...new Set(rows.map((row) => row.tenant_id))], rows: rows.length }).toEqual({
              kind,
              tenants: [tenant],
              rows: LINKS_EACH,
            });
          }
          counted.set(kind, (counted.get(kind) ?? 0) + 1);
        } catch (error) {
          if (!isUnavailable(error)) throw error;
          takenAway++;
        }
      }
    };
    const over = new AbortController();
    const disturbed = disturb(over.signal);
    await Promise.all(Array.from({ length: AT_ONCE }, visitor)).finally(() => over.abort());

    expect([...counted.keys()].toSorted()).toEqual(kinds.toSorted());
    expect([...counted.values()].reduce((sum, count) => sum + count, takenAway)).toBe(REQUESTS);
    // Most of them must have come through, or little was tried. On Citus each takes longer, and is more easily disturbed.
    expect(takenAway).toBeLessThan(REQUESTS / (CITUS_BIN === undefined ? 10 : 2));
    expect(await disturbed).toBeGreaterThan(0);
  }, 240_000);

  it('leave nothing on the connections, and nothing written of what failed', async () => {
    const bare = `SELECT current_setting('app.tenant_id', true) AS tenant, current_setting('app.platform', true) AS platform,
                         (SELECT count(*)::int FROM links) AS links, pg_sleep(0.05)::text`;
    const left = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.query(bare)));
    for (const [row] of left as Array<[{ tenant: string | null; platform: string | null; links: number }]>) {
      expect([row.tenant || null, row.platform || null, row.links]).toEqual([null, null, 0]);
    }
    const { rows } = await asRole('postgres', (client) =>
      client.query(
        `SELECT count(*)::int AS written, count(*) FILTER (WHERE comments <> tenant_id::text)::int AS wrong
         FROM links WHERE tenant_id = ANY ($1) AND comments IS NOT NULL`,
        [tenants],
      ),
    );
    expect(rows).toEqual([{ written: TENANTS * LINKS_EACH, wrong: 0 }]);
  });
});
