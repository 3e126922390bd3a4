import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Reconciliation } from '../../src/clicks/reconciliation.js';
import { ClickExpiryRepository } from '../../src/clicks/click-expiry.repository.js';
import { systemContext } from '../../src/platform/context/system-context.js';
import { connect } from '../../src/platform/database/connect.js';
import { Transactions } from '../../src/platform/database/transactions.js';
import { newId } from '../../src/platform/ids.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { followed, segmentOf, Segments, uuidOf } from '../support/click-segments.js';
import { derivingRollups } from '../support/derive-rollups.js';
import { type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { Redelivery } from '../support/redelivery.js';
import { Visitor } from '../support/visitor.js';
import { eventually, type LinkBody } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

/** CHAOS_ROUNDS=25 takes some minutes; CHAOS_SEED repeats what was done in a run, though not when. */
const ROUNDS = Number(process.env.CHAOS_ROUNDS ?? 5);
const SEED = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const VISITORS = 8;
const LINKS = 10;
/** Good ones beside the bad one, in the segment that each round adds. */
const COMPANIONS = 99;
/** The longer it went on, the more of what was delivered again is left. */
const QUIET_SECONDS = 90 + 6 * ROUNDS;
/** The long form is for what takes long. */
const STOPPED_MS = ROUNDS >= 20 ? 30_000 : 3_000;

const bad = { tenantId: 'nobody', domainId: 'nowhere', linkId: '00000000-0000-7000-8000-000000000000' };

/** Mulberry32: the same numbers from the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SUMS = 'clicks, visitors, bots';
const ROLLUPS = {
  click_rollups: `tenant_id, bucket, link_id, ${SUMS}`,
  tenant_rollups: `tenant_id, bucket, ${SUMS}`,
  breakdown_rollups: `tenant_id, dimension, bucket, value, ${SUMS}`,
  click_days: `tenant_id, dimension, day, value, ${SUMS}`,
};

describe('clicks, whatever is killed and however often they are delivered', () => {
  const random = randomFrom(SEED);
  const between = (low: number, high: number): number => low + random() * (high - low);
  let deployment: Deployment;
  let redirect: RoleProcess;
  let worker: RoleProcess;
  let tenants: Customer[];
  let links: Array<{ tenant: Customer; link: LinkBody }>;
  let segments: Segments;
  let client: pg.Client;

  /** By link: answers that visitors have read, and clicks in segments of the test's own. */
  const answered = new Map<string, number>();
  let poisons = 0;
  const visits = { over: false };
  let redelivery: Redelivery | undefined;
  let kills = 0;
  const count = (linkId: string, clicks = 1): void => void answered.set(linkId, (answered.get(linkId) ?? 0) + clicks);

  beforeAll(async () => {
    process.stdout.write(`Chaos with CHAOS_SEED=${SEED}, ${ROUNDS} rounds\n`);
    deployment = await Deployment.open(9);
    [redirect, worker] = await Promise.all([
      deployment.start('redirect'),
      deployment.start('worker'),
      deployment.start('api'),
    ]);
    tenants = [await deployment.newTenant(), await deployment.newTenant()];
    links = await Promise.all(
      Array.from({ length: LINKS }, async (_, n) => {
        const tenant = tenants[n % tenants.length] as Customer;
        return { tenant, link: await tenant.link() };
      }),
    );
    const { DATABASE_INGEST_URL = '', REDIS_URL, SECRET_KEY = '' } = deployment.env;
    segments = Segments.of({ databaseUrl: DATABASE_INGEST_URL, redisUrl: REDIS_URL, secretKey: SECRET_KEY });
  }, 90_000);
  afterAll(async () => {
    visits.over = true;
    await redelivery?.stop();
    await client?.end();
    await segments.close();
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 90_000);

  /** Visitors that follow links, one after the other, and note what they have read. */
  async function follow(): Promise<void> {
    const visitor = new Visitor({ port: redirect.port });
    while (!visits.over) {
      const { tenant, link } = links[Math.floor(Math.random() * links.length)] as (typeof links)[number];
      try {
        const { status } = await visitor.get(tenant.domain, `/${link.key}`);
        if (status === 302) count(link.id);
      } catch {
        // The process is being killed or started: nothing was answered.
        visitor.leave();
        await sleep(50);
      }
      await sleep(5);
    }
    visitor.leave();
  }

  /** A segment in which one of a hundred can not be stored. It is delivered until the queue has taken it. */
  async function poison(): Promise<void> {
    const { tenant, link } = links[poisons % links.length] as (typeof links)[number];
    const good = Array.from({ length: COMPANIONS }, () => followed(tenant, link));
    good.splice(Math.floor(random() * COMPANIONS), 0, bad as never);
    const job = segmentOf(segments.secretKey, good);
    const jobId = newId();
    poisons++;
    count(link.id, COMPANIONS);
    await eventually(
      () =>
        segments.deliver(job, jobId).then(
          () => true,
          () => false,
        ),
      (taken) => taken,
      60,
    );
  }

  /** Rows of rollups that are not what the clicks add up to: there must be none, of any dimension and bucket. */
  async function differing(): Promise<Record<string, object[]>> {
    const found: Record<string, object[]> = {};
    await client.query('BEGIN');
    for (const [table, columns] of Object.entries(ROLLUPS)) {
      await client.query(`CREATE TEMPORARY TABLE was_${table} ON COMMIT DROP AS SELECT ${columns} FROM ${table}`);
      await client.query(`DELETE FROM ${table}`);
    }
    for (const statement of derivingRollups('clicks').slice(0, -1)) await client.query(statement);
    for (const [table, columns] of Object.entries(ROLLUPS)) {
      const [is, was] = [`SELECT ${columns} FROM ${table}`, `SELECT ${columns} FROM was_${table}`];
      const rows = await numbers(`(${is} EXCEPT ${was}) UNION ALL (${was} EXCEPT ${is}) LIMIT 5`);
      if (rows.length > 0) found[table] = rows;
    }
    await client.query('ROLLBACK');
    return found;
  }

  const disasters: Record<string, () => Promise<void>> = {
    'the redirect process is killed': async () => {
      kills++;
      await deployment.kill(redirect);
      await sleep(between(0, 500));
      redirect = await deployment.start('redirect', redirect);
    },
    'the worker is killed': async () => {
      await deployment.kill(worker);
      await sleep(between(0, 1_000));
      worker = await deployment.start('worker', worker);
    },
    'PostgreSQL is killed': async () => {
      deployment.postgres.crash();
      await sleep(between(0, 1_000));
    },
    'PostgreSQL is stopped': async () => {
      await deployment.postgres.down();
      await sleep(STOPPED_MS);
      deployment.postgres.up();
    },
    'PostgreSQL stands still': async () => {
      deployment.postgres.freeze();
      await sleep(between(1_000, 4_000));
      deployment.postgres.thaw();
    },
    'PostgreSQL stands still, and the worker and the redirect process are killed': async () => {
      kills++;
      deployment.postgres.freeze();
      await sleep(between(200, 1_000));
      await Promise.all([deployment.kill(worker), deployment.kill(redirect)]);
      redirect = await deployment.start('redirect', redirect);
      deployment.postgres.thaw();
      worker = await deployment.start('worker', worker);
    },
  };

  /** All of them in turn, in an order of the seed's. */
  function* order(): Generator<[string, () => Promise<void>]> {
    for (;;) yield* Object.entries(disasters).toSorted(() => random() - 0.5);
  }

  async function quiet(): Promise<void> {
    const waiting = async (): Promise<string> => {
      const folders = await readdir(join(redirect.dataDir, 'spool'));
      const files = await Promise.all(folders.map((folder) => readdir(join(redirect.dataDir, 'spool', folder))));
      const spooled = files.flat().filter((name) => /\.(segment|open)$/.test(name)).length;
      return `${await segments.unfinished()} queued, ${spooled} spooled`;
    };
    await eventually(
      () => waiting().catch(String),
      (left) => left === '0 queued, 0 spooled',
      QUIET_SECONDS,
    );
  }

  async function reconciled(): Promise<{ code: unknown; result: Reconciliation; output: string }> {
    const command = spawnWaypost({ ...deployment.env, DATA_DIR: redirect.dataDir }, 'dist/waypost.js reconcile --json');
    const code = await command.exited;
    const output = command.output();
    return { code, output, result: JSON.parse(output.startsWith('{') ? output : '{}') as Reconciliation };
  }

  const numbers = async <Row extends object>(sql: string): Promise<Row[]> => (await client.query<Row>(sql)).rows;

  it(
    'are stored once each or are dead letters, the rollups are their sums, and the ledger says so',
    async () => {
      const visitors = Array.from({ length: VISITORS }, () => follow());
      redelivery = new Redelivery(segments);
      const done: string[] = [];
      for (const [name, disaster] of order()) {
        if (done.length === ROUNDS) break;
        await sleep(between(300, 1_500));
        await Promise.all([poison(), disaster()]);
        done.push(name);
      }
      await sleep(1_000);
      visits.over = true;
      await Promise.all(visitors);
      const stoppedAt = performance.now();
      await quiet();
      const redelivered = await redelivery.stop();
      await quiet();
      const quietMs = Math.round(performance.now() - stoppedAt);

      client = new pg.Client({ connectionString: deployment.postgres.adminUrl });
      await client.connect();
      const stored = await numbers<{ link: string; clicks: number; ids: number }>(
        'SELECT link_id AS link, count(*)::int AS clicks, count(DISTINCT id)::int AS ids FROM clicks GROUP BY 1',
      );
      const byLink = new Map(stored.map((row) => [row.link, row.clicks]));
      const missing = [...answered].filter(([id, clicks]) => (byLink.get(uuidOf(id)) ?? 0) < clicks);
      const sum = (values: Iterable<number>): number => [...values].reduce((all, one) => all + one, 0);
      const [all, known] = [sum(byLink.values()), sum(answered.values())];
      const { code, result, output } = await reconciled();
      process.stdout.write(
        `Chaos: ${done.length} rounds (${kills} kills of the redirect process), ${known} clicks answered, ${all} stored, ` +
          `${poisons} dead; ${redelivered} segments delivered three times; quiet ${quietMs} ms after the last visit\n`,
      );

      expect(missing).toEqual([]);
      expect(all - known).toBeLessThanOrEqual(VISITORS * kills);
      expect(stored.filter(({ clicks, ids }) => clicks !== ids)).toEqual([]);
      const dead = await numbers(`SELECT kind, count(*)::int AS letters FROM dead_clicks GROUP BY 1`);
      expect(dead).toEqual([{ kind: 'click', letters: poisons }]);
      // Each segment twice more, and at least one batch of a hundred with a bad click in it.
      const [settled] = await numbers<{ segments: number; batches: number }>(
        'SELECT count(*)::int AS segments, sum(ceil(clicks / 1000.0))::int AS batches FROM click_segments',
      );
      expect(redelivered).toBe(settled?.segments);
      expect(poisons * 100).toBeGreaterThanOrEqual(settled?.batches ?? Infinity);
      expect(await differing()).toEqual({});
      for (const [rollup, sums] of [
        ['click_rollups', 'sum(clicks + bots)'],
        ['link_stats', 'sum(clicks + bots)'],
      ]) {
        const rolled = await numbers<{ link: string; clicks: number }>(
          `SELECT link_id AS link, ${sums}::int AS clicks FROM ${rollup} GROUP BY 1`,
        );
        expect([rollup, new Map(rolled.map((row) => [row.link, row.clicks]))]).toEqual([rollup, byLink]);
      }
      expect(output).not.toBe('');
      expect(result.drift).toEqual([]);
      expect(code).toBe(0);
      expect(result.total).toEqual({ accepted: all + poisons, stored: all, dead: poisons, dropped: 0, inFlight: 0 });

      await seesNoLossInErasure();
      await seesWhatIsMissing();
    },
    120_000 + ROUNDS * 45_000,
  );

  /** Of a link that is deleted clicks go first, then rollups; its tenant's rollups stay. */
  async function seesNoLossInErasure(): Promise<void> {
    const { tenant, link } = links[0] as (typeof links)[number];
    expect((await tenant.delete(`/v1/links/${link.id}`)).status).toBe(204);
    expect((await reconciled()).result.drift).toEqual([]);
    const { DATABASE_URL = '' } = deployment.env;
    const options = { url: DATABASE_URL, applicationName: 'test', poolSize: 1, entities: [] };
    const transactions = new Transactions(await connect(options, createLogger('error', false)));
    const expiry = new ClickExpiryRepository(undefined as never);
    const ctx = systemContext(uuidOf(tenant.tenantId));
    while (await transactions.run(ctx, (tx) => expiry.erase(tx, uuidOf(link.id))));
    await transactions.onApplicationShutdown();
    expect(await numbers(`SELECT id FROM clicks WHERE link_id = '${uuidOf(link.id)}' LIMIT 1`)).toEqual([]);
    const { code, result } = await reconciled();
    expect(result.drift).toEqual([]);
    expect(code).toBe(0);
  }

  /** What the ledger says is worth as much as what it would say otherwise. */
  async function seesWhatIsMissing(): Promise<void> {
    const { tenantId } = tenants[1] as Customer;
    await client.query(
      `DELETE FROM clicks WHERE id = (SELECT id FROM clicks WHERE tenant_id = '${uuidOf(tenantId)}' LIMIT 1)`,
    );
    const [spool] = await numbers<{ spool: string; number: number }>(
      'SELECT spool, max(number) AS number FROM click_segments WHERE number > 1 GROUP BY 1 ORDER BY 2 DESC LIMIT 1',
    );
    await client.query(`
      WITH gone AS (
        DELETE FROM click_segments WHERE spool = '${spool?.spool}' AND number = ${Number(spool?.number) - 1} RETURNING id
      ) DELETE FROM click_segment_days USING gone WHERE segment_id = gone.id`);
    const { code, result } = await reconciled();
    expect(code).toBe(1);
    expect(result.drift.join('\n')).toMatch(/by click_rollups/);
    expect(result.drift.join('\n')).toMatch(/by segments/);
    expect(result.drift.join('\n')).toContain(
      `spool ${spool?.spool}: segments ${Number(spool?.number) - 1} to ${Number(spool?.number) - 1} are nowhere to be found`,
    );
  }
});
