import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { ClicksJob } from '../../src/clicks/clicks.jobs.js';
import type { Reconciliation } from '../../src/clicks/reconciliation.js';
import { followed, segmentOf, Segments, uuidOf } from '../support/click-segments.js';
import { type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { metric } from '../support/metrics.js';
import { eventually } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

const SEGMENTS = 30;
const OF_BUSY = 1_500;
/** Of each of the others in each segment: a hundredth. */
const OF_OTHER = 15;
/** Of the busy tenant's clicks, what may be stored before the last of the others'. */
const SHARE = 0.25;

describe('a backlog of which one tenant has a hundred times the clicks of each of the others', () => {
  let deployment: Deployment;
  let worker: RoleProcess;
  let busy: Customer;
  let others: Customer[];
  let segments: Segments;
  let client: pg.Client;
  const jobs: ClicksJob[] = [];

  beforeAll(async () => {
    deployment = await Deployment.open(10);
    await deployment.start('api');
    [busy, ...others] = [
      await deployment.newTenant(),
      await deployment.newTenant(),
      await deployment.newTenant(),
    ] as unknown as [Customer, ...Customer[]];
    const { DATABASE_INGEST_URL = '', REDIS_URL, SECRET_KEY = '' } = deployment.env;
    segments = Segments.of({ databaseUrl: DATABASE_INGEST_URL, redisUrl: REDIS_URL, secretKey: SECRET_KEY });
    client = new pg.Client({ connectionString: deployment.postgres.adminUrl });
    await client.connect();
    const clicks = await Promise.all(
      [busy, ...others].map(async (tenant) => {
        const link = followed(tenant, await tenant.link());
        return Array.from({ length: tenant === busy ? OF_BUSY : OF_OTHER }, () => link);
      }),
    );
    for (let n = 0; n < SEGMENTS; n++) jobs.push(segmentOf(segments.secretKey, clicks.flat()));
    // No worker runs yet. Each is there twice.
    for (const job of [...jobs, ...jobs]) await segments.deliver(job);
    worker = await deployment.start('worker');
  }, 90_000);
  afterAll(async () => {
    await client?.end();
    await segments?.close();
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  const number = async (sql: string): Promise<number> => {
    const { rows } = await client.query<{ number: number | null }>(sql, [uuidOf(busy.tenantId)]);
    return rows[0]?.number ?? 0;
  };
  const storedOf = (whose: '=' | '<>'): Promise<number> =>
    number(`SELECT sum(clicks)::int AS number FROM tenant_rollups WHERE tenant_id ${whose} $1`);
  async function reconciled(): Promise<Reconciliation> {
    const command = spawnWaypost({ ...deployment.env, DATA_DIR: worker.dataDir }, 'dist/waypost.js reconcile --json');
    await command.exited;
    return JSON.parse(command.output()) as Reconciliation;
  }

  it('does not delay the others, and adds up while it lasts, when its worker is killed, and at the end', async () => {
    const ofOthers = SEGMENTS * OF_OTHER * others.length;
    await eventually(
      () => storedOf('<>'),
      (stored) => stored === ofOthers,
      60,
    );
    await deployment.kill(worker);
    const midway = await reconciled();
    expect(midway.drift).toEqual([]);
    expect(midway.total.inFlight).toBeGreaterThan(0);
    worker = await deployment.start('worker', worker);
    await eventually(
      () => segments.unfinished(),
      (left) => left === 0,
      90,
    );

    expect(await storedOf('=')).toBe(SEGMENTS * OF_BUSY);
    expect(await storedOf('<>')).toBe(ofOthers);
    // Transactions are numbered: what of the busy tenant was stored before the last click of the others.
    const before = await number(`
      SELECT count(*)::int AS number FROM clicks
      WHERE tenant_id = $1 AND ingested < (SELECT max(ingested) FROM clicks WHERE tenant_id <> $1)`);
    process.stdout.write(
      `Turns: ${before} of ${SEGMENTS * OF_BUSY} clicks of the busy tenant went before the last of the others\n`,
    );
    expect(before).toBeLessThan(SHARE * SEGMENTS * OF_BUSY);
    const end = await reconciled();
    expect(end.drift).toEqual([]);
    const accepted = SEGMENTS * OF_BUSY + ofOthers;
    expect(end.total).toEqual({ accepted, stored: accepted, dropped: 0, dead: 0, inFlight: 0 });
  }, 240_000);

  it('counts clicks that are dropped once, however often they are delivered', async () => {
    const gone = await busy.link();
    const job = segmentOf(segments.secretKey, [followed(busy, gone), followed(busy, gone)]);
    expect((await busy.delete(`/v1/links/${gone.id}`)).status).toBe(204);
    for (let delivery = 0; delivery < 3; delivery++) await segments.deliver(job);
    await eventually(
      () => segments.unfinished(),
      (left) => left === 0,
      60,
    );
    const { rows } = await client.query('SELECT clicks, dropped FROM click_segments WHERE id = $1', [job.segment]);
    expect(rows).toEqual([{ clicks: 2, dropped: 2 }]);
    expect(await metric(worker.ops, 'waypost_clicks_dropped_total', { reason: 'link_deleted' })).toBe(2);
    expect((await reconciled()).drift).toEqual([]);
  }, 60_000);
});
