import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUrl } from '../support/database.js';
import { metric } from '../support/metrics.js';
import { eventually, newTenant, operator, request, type Tenant, underTest, unique } from '../support/waypost.js';
import { freePorts, spawnWaypost, type WaypostProcess } from '../support/waypost-process.js';

describe('a redirecting process that has too much to do', () => {
  let waypost: WaypostProcess;
  let dataDir: string;
  let ports: Awaited<ReturnType<typeof freePorts>>;
  let tenant: Tenant;

  beforeAll(async () => {
    tenant = await newTenant();
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-overload-'));
    ports = await freePorts();
    waypost = spawnWaypost({
      ...ports,
      APP_ROLE: 'redirect',
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      DATABASE_URL: await databaseUrl('waypost_app'),
      DATABASE_RESOLVER_URL: await databaseUrl('waypost_resolver'),
      DATABASE_INGEST_URL: await databaseUrl('waypost_ingest'),
      SECRET_KEY: (await readFile(join(underTest.dataDir, 'secret-key'), 'utf8')).trim(),
      PLATFORM_KEY: underTest.platformKey,
      LOG_LEVEL: 'info',
    });
    await eventually(
      async () => waypost.output(),
      (output) => output.includes('Waypost is running'),
      20,
    );
  }, 60_000);

  afterAll(async () => {
    waypost.child.kill('SIGTERM');
    expect(await waypost.exited).toBe(0);
    await rm(dataDir, { recursive: true, force: true });
  });

  const visit = (key: string, host = tenant.domain) =>
    request('GET', `http://127.0.0.1:${ports.REDIRECT_PORT}/${key}`, { headers: { host } });

  /** Time in which the process gets next to no processor, as if others had it. */
  async function starve(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      waypost.child.kill('SIGSTOP');
      await sleep(300);
      waypost.child.kill('SIGCONT');
      // It gets time for a turn, which is measured, and for no more: five milliseconds are none on a busy machine, or many.
      await request('GET', `http://127.0.0.1:${ports.OPS_PORT}/livez`);
    }
  }
  /** Starves it until it says that it has too much to do: on a busy machine it may get more time than it should. */
  async function visitStarved<T extends ReadonlyArray<{ status: number }>>(
    before: () => Promise<void>,
    visits: () => Promise<T>,
  ): Promise<T> {
    return eventually(
      async () => {
        await before();
        await starve(8);
        return visits();
      },
      (answers) => answers.some(({ status }) => status === 503),
      30,
    );
  }

  it('goes on answering the links it knows, refuses what it would have to look up, and recovers', async () => {
    const plain = await tenant.link();
    const expiring = await tenant.link({ expiresAt: '2099-01-01T00:00:00Z' });
    for (const { key } of [plain, expiring]) expect((await visit(key)).status).toBe(302);
    const absent = unique();
    const otherwise = [`${plain.key}/`, `%${plain.key.charCodeAt(0).toString(16)}${plain.key.slice(1)}`, absent, ''];
    const answers = await visitStarved(
      async () => expect((await visit(absent)).status).toBe(404),
      () => Promise.all([plain.key, expiring.key, unique(), ...otherwise].map((key) => visit(key))),
    );
    expect(answers.map(({ status }) => status)).toEqual([302, 302, 503, 302, 302, 404, 404]);
    expect(answers[2]?.headers['retry-after']).toBe('1');
    const metrics = await request<string>('GET', `http://127.0.0.1:${ports.OPS_PORT}/metrics`);
    expect(metrics.body).toMatch(/^waypost_redirects_shed_total [1-9]/m);

    await eventually(
      () => visit(unique()),
      ({ status }) => status === 404,
      5,
    );
  });

  it('obeys a takedown while it has too much to do', async () => {
    const heard = (cause: string): Promise<number> =>
      metric(`http://127.0.0.1:${ports.OPS_PORT}`, 'waypost_cache_invalidations_total', { cause });
    const before = { domain: await heard('domain'), tenant: await heard('tenant') };
    const abuser = await newTenant();
    const { key } = await abuser.link();
    await eventually(
      () => heard('domain'),
      (now) => now > before.domain,
    );
    expect((await visit(key, abuser.domain)).status).toBe(302);
    expect((await operator.patch(`/v1/tenants/${abuser.tenantId}`, { suspended: true })).status).toBe(200);
    // What it has not heard of by then, it hears in its own time; that it asks, in spite of all it has to do, is to be seen.
    await eventually(
      () => heard('tenant'),
      (now) => now > before.tenant,
    );
    const [unknown, suspended] = await visitStarved(
      async () => undefined,
      () => Promise.all([visit(unique()), visit(key, abuser.domain)] as const),
    );
    expect([unknown.status, suspended.status]).toEqual([503, 404]);
  });
});
