import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUrl } from '../support/database.js';
import { DatabaseTap } from '../support/database-tap.js';
import { metric } from '../support/metrics.js';
import { eventually, newTenant, type Tenant, underTest, unique } from '../support/waypost.js';
import { freePorts, spawnWaypost, type WaypostProcess } from '../support/waypost-process.js';

const VISITORS = 1_000;
/** In ms. After 250 the process would give the statement up. */
const [HOLD, LONGEST_HOLD] = [100, 200];

describe(`${VISITORS} visitors at once`, () => {
  let waypost: WaypostProcess;
  let dataDir: string;
  let port: string;
  let tap: DatabaseTap;
  let tenant: Tenant;
  const agent = new http.Agent({ keepAlive: true, maxSockets: VISITORS });

  beforeAll(async () => {
    tenant = await newTenant();
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-cold-'));
    tap = await DatabaseTap.open(await databaseUrl('waypost_resolver'));
    const ports = await freePorts();
    port = ports.REDIRECT_PORT;
    waypost = spawnWaypost({
      ...ports,
      APP_ROLE: 'redirect',
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      DATABASE_URL: await databaseUrl('waypost_app'),
      DATABASE_RESOLVER_URL: tap.through(await databaseUrl('waypost_resolver')),
      SECRET_KEY: (await readFile(join(underTest.dataDir, 'secret-key'), 'utf8')).trim(),
      PLATFORM_KEY: underTest.platformKey,
      DRAIN_SECONDS: '0',
      SCAN_LIMIT_PER_SECOND: '0',
      LOG_LEVEL: 'info',
    });
    await eventually(
      async () => waypost.output(),
      (output) => output.includes('Waypost is running'),
      30,
    );
    // What was found before it could hear of changes, it asks for once more.
    await eventually(
      () => metric(`http://127.0.0.1:${ports.OPS_PORT}`, 'waypost_cache_invalidations_total', { cause: 'gap' }),
      (heard) => heard > 0,
      20,
    );
  }, 60_000);

  afterAll(async () => {
    agent.destroy();
    waypost.child.kill('SIGTERM');
    expect(await waypost.exited).toBe(0);
    tap.close();
    await rm(dataDir, { recursive: true, force: true });
  }, 60_000);

  /** While the database is held back, as long as this machine does as it is told. @returns statuses and statements */
  async function together(nextKey: () => Promise<string>): Promise<object> {
    for (;;) {
      const key = await nextKey();
      const before = { domain: tap.executed('resolve-domain'), link: tap.executed('resolve-link') };
      const begun = performance.now();
      tap.hold();
      const visits = Promise.all(Array.from({ length: VISITORS }, () => visit(key)));
      await sleep(HOLD);
      tap.release();
      const held = performance.now() - begun;
      const statuses = [...new Set(await visits)];
      if (held > LONGEST_HOLD) continue;
      const domain = tap.executed('resolve-domain') - before.domain;
      return { statuses, domain, link: tap.executed('resolve-link') - before.link };
    }
  }

  const visit = (key: string): Promise<number> => statusOf(tenant.domain, key);

  const statusOf = (host: string, key: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { agent, headers: { host } };
      http
        .get(`http://127.0.0.1:${port}/${key}`, options, (response) => {
          response.resume().on('end', () => resolve(response.statusCode ?? 0));
        })
        .on('error', reject);
    });

  /**
   * Until the process has heard of all that was made so far. A domain whose creation is told of while it is asked for is
   * asked for once more, and rightly. Changes arrive in the order in which they were made.
   */
  async function changesArrived(): Promise<void> {
    const last = await newTenant();
    const { id, key } = await last.link();
    expect(await statusOf(last.domain, key)).toBe(302);
    await last.patch(`/v1/links/${id}`, { disabledAt: new Date(0).toISOString() });
    await eventually(
      () => statusOf(last.domain, key),
      (status) => status === 404,
      20,
    );
  }

  it('have the database asked once for a key and a domain that nobody has asked for', async () => {
    const nextKey = async (): Promise<string> => {
      tenant = await newTenant();
      const { key } = await tenant.link();
      await changesArrived();
      return key;
    };
    expect(await together(nextKey)).toEqual({ statuses: [302], domain: 1, link: 1 });
  });

  it('have it asked once for a key that is not there', async () => {
    await visit((await tenant.link()).key);
    await changesArrived();
    expect(await together(async () => unique())).toMatchObject({ statuses: [404], link: 1 });
  });
});
