import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Crowd } from '../support/crowd.js';
import { databaseUrl } from '../support/database.js';
import { Caller, eventually, type LinkBody, newTenant, request, underTest, visit } from '../support/waypost.js';
import {
  type Credentials,
  freePorts,
  ownRedis,
  removeData,
  spawnWaypost,
  type WaypostProcess,
  whenStarted,
} from '../support/waypost-process.js';

const VISITORS = 12;

const workersOf = ({ child }: WaypostProcess): number[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, ...args]) => Number(parent) === child.pid && args.some((arg) => arg.endsWith('main.js')))
    .map(([pid]) => Number(pid));

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** The sum of a metric's series, as the operations port shows them. */
async function metric(opsUrl: string, name: string): Promise<number> {
  const { text } = await request<string>('GET', `${opsUrl}/metrics`);
  const series = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

interface Health {
  error: Record<string, { status: string; reason: string }>;
}

const ready = (opsUrl: string) => request<Health>('GET', `${opsUrl}/readyz`);

describe('several redirect workers', () => {
  let dataDir: string;
  let ports: Awaited<ReturnType<typeof freePorts>>;
  let waypost: WaypostProcess;
  let credentials: Credentials;
  let caller: Caller;

  const start = async (workers = 2): Promise<void> => {
    const settings = { ...ports, ...ownRedis(3), DATA_DIR: dataDir, LOG_LEVEL: 'info', REDIRECT_WORKERS: `${workers}` };
    waypost = spawnWaypost(settings, 'dist/main.js', true);
    credentials = await whenStarted(waypost, dataDir);
    caller = new Caller(credentials.apiKey, credentials.apiUrl);
  };
  const allReady = () =>
    eventually(
      () => ready(credentials.opsUrl),
      ({ status }) => status === 200,
      40,
    );
  const clicksOf = async ({ id }: LinkBody): Promise<number> =>
    (await caller.get<{ clicks: number }>(`/v1/analytics?groupBy=count&linkId=${id}`)).body.clicks;
  /** Every click that is still on its way has arrived when the count stands still and nothing waits on disk. */
  const settledClicks = async (link: LinkBody, atLeast: number): Promise<number> => {
    await eventually(
      () => clicksOf(link),
      (clicks) => clicks >= atLeast,
      40,
    );
    await eventually(
      () => metric(credentials.opsUrl, 'waypost_spool_bytes'),
      (bytes) => bytes === 0,
      20,
    );
    await sleep(1_000);
    return clicksOf(link);
  };

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-workers-'));
    ports = await freePorts();
    await start();
  }, 120_000);
  afterAll(async () => {
    waypost.child.kill('SIGTERM');
    await waypost.exited;
    await removeData(dataDir);
  }, 60_000);

  it('are processes of their own, without secrets on their command lines or in the log', async () => {
    expect(workersOf(waypost)).toHaveLength(2);
    const commands = execFileSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8' });
    const secrets = [credentials.platformKey, (await readFile(join(dataDir, 'secret-key'), 'utf8')).trim()];
    for (const secret of secrets) {
      expect(commands).not.toContain(secret);
      expect(waypost.output()).not.toContain(secret);
    }
  });

  it('all answer, are counted as one, and are all waited for by readiness', async () => {
    const link = await caller.link();
    const before = await metric(credentials.opsUrl, 'waypost_redirects_total');
    expect(await ready(credentials.opsUrl)).toMatchObject({ status: 200 });
    let answered = 0;
    for (const paused of workersOf(waypost)) {
      // One that stands still takes no connection; so the other has answered.
      process.kill(paused, 'SIGSTOP');
      try {
        for (let n = 0; n < 10; n++) {
          expect((await request('GET', link.shortLink, { headers: { connection: 'close' } })).status).toBe(302);
          answered++;
        }
        const { status, body } = await ready(credentials.opsUrl);
        expect(status).toBe(503);
        expect(Object.values(body.error)).toEqual([{ status: 'down', reason: 'no answer within 900 ms' }]);
        expect(await metric(credentials.opsUrl, 'waypost_redirects_total')).toBeGreaterThanOrEqual(before);
      } finally {
        process.kill(paused, 'SIGCONT');
      }
      await allReady();
    }
    expect((await metric(credentials.opsUrl, 'waypost_redirects_total')) - before).toBe(answered);
    expect(await settledClicks(link, answered)).toBe(answered);
  }, 90_000);

  it('shows the metrics of all as those of one Waypost', async () => {
    const { text } = await request<string>('GET', `${credentials.opsUrl}/metrics`);
    const names = text.split('\n').filter((line) => line.startsWith('# TYPE '));
    expect(new Set(names).size).toBe(names.length);
    const startedAt = await metric(credentials.opsUrl, 'process_start_time_seconds');
    expect(Math.abs(Date.now() / 1000 - startedAt)).toBeLessThan(600);
    expect(await metric(credentials.opsUrl, 'nodejs_version_info')).toBe(1);
    expect(await metric(credentials.opsUrl, 'waypost_bus_heartbeat_age_seconds')).toBeLessThan(30);
  });

  it('go on when one is killed; another takes its place, and every click that was answered counts once', async () => {
    const link = await caller.link();
    const restarts = await metric(credentials.opsUrl, 'waypost_redirect_worker_restarts_total');
    const crowd = new Crowd(link.shortLink, VISITORS);
    for (let round = 0; round < 2; round++) {
      await sleep(700);
      const [victim = 0, survivor = 0] = workersOf(waypost);
      const counted = await metric(credentials.opsUrl, 'waypost_redirects_total');
      process.kill(victim, 'SIGKILL');
      await eventually(
        async () => workersOf(waypost),
        (pids) => pids.length === 2 && !pids.includes(victim) && pids.includes(survivor),
        40,
      );
      await allReady();
      // What the dead one had shown is still in the sum.
      expect(await metric(credentials.opsUrl, 'waypost_redirects_total')).toBeGreaterThanOrEqual(counted);
    }
    await crowd.home();
    // Only who was waiting for the victim's answer got none: one request of each visitor at most, each time.
    expect(crowd.failures.length).toBeLessThanOrEqual(2 * VISITORS);
    const clicks = await settledClicks(link, crowd.answered);
    // A click may be on disk whose answer was on its way: of a connection that broke under the request.
    expect(clicks).toBeLessThanOrEqual(crowd.answered + 2 * VISITORS);
    expect(await metric(credentials.opsUrl, 'waypost_redirect_worker_restarts_total')).toBe(restarts + 2);
    expect(waypost.output()).toContain('A redirect worker ended; another takes its place');
    expect(waypost.output()).toContain('Took over the clicks that an earlier process left');
  }, 120_000);

  it('lose no visit when one is asked to end, and their counts stay exact', async () => {
    const link = await caller.link();
    await eventually(
      () => metric(credentials.opsUrl, 'waypost_spool_bytes'),
      (bytes) => bytes === 0,
    );
    const before = await metric(credentials.opsUrl, 'waypost_redirects_total');
    const crowd = new Crowd(link.shortLink, VISITORS);
    await sleep(500);
    const [asked = 0] = workersOf(waypost);
    process.kill(asked, 'SIGTERM');
    await eventually(
      async () => workersOf(waypost),
      (pids) => pids.length === 2 && !pids.includes(asked),
      40,
    );
    await allReady();
    await crowd.home();
    expect(crowd.failures).toEqual([]);
    expect(crowd.answered).toBeGreaterThan(VISITORS);
    expect((await metric(credentials.opsUrl, 'waypost_redirects_total')) - before).toBe(crowd.answered);
    expect(await settledClicks(link, crowd.answered)).toBe(crowd.answered);
  }, 90_000);

  it('are replaced when they hang', async () => {
    const [hanging = 0] = workersOf(waypost);
    process.kill(hanging, 'SIGSTOP');
    await eventually(
      async () => workersOf(waypost),
      (pids) => pids.length === 2 && !pids.includes(hanging),
      60,
    );
    expect(waypost.output()).toContain('A redirect worker does not answer; it is killed');
    await allReady();
  }, 120_000);

  it('lose no visit when the whole is asked to end', async () => {
    const link = await caller.link();
    expect((await request('GET', link.shortLink, { headers: { connection: 'close' } })).status).toBe(302);
    const crowd = new Crowd(link.shortLink, VISITORS, 'leave');
    await sleep(500);
    waypost.child.kill('SIGTERM');
    expect(await waypost.exited).toBe(0);
    await crowd.home();
    expect(crowd.failures).toEqual([]);
    await start();
    expect(await settledClicks(link, crowd.answered + 1)).toBe(crowd.answered + 1);
  }, 120_000);

  it('end with the whole when a terminal sends Ctrl-C to all of them', async () => {
    const workers = workersOf(waypost);
    process.kill(-(waypost.child.pid ?? NaN), 'SIGINT');
    expect(await waypost.exited).toBe(0);
    expect(workers.filter(isAlive)).toEqual([]);
    await start();
  }, 120_000);

  it('end by themselves when the process that started them is killed, and serve whom they have before', async () => {
    const link = await caller.link();
    const workers = workersOf(waypost);
    const crowd = new Crowd(link.shortLink, VISITORS, 'leave');
    await sleep(500);
    waypost.child.kill('SIGKILL');
    await waypost.exited;
    await eventually(
      async () => workers.filter(isAlive),
      (alive) => alive.length === 0,
      10,
    );
    await crowd.home();
    expect(crowd.failures).toEqual([]);
    await start(); // The port is free.
    expect(await settledClicks(link, crowd.answered)).toBe(crowd.answered);
  }, 120_000);
});

describe('redirect workers without other roles', () => {
  let dataDir: string;
  const running: WaypostProcess[] = [];

  /** @param databasePort another than the database's own: nobody answers there */
  async function start(workers: number, databasePort?: string): Promise<{ redirect: string; ops: string }> {
    const ports = await freePorts();
    const urlOf = async (role: string): Promise<string> =>
      (await databaseUrl(role)).replace(/:(\d+)\/waypost/, (_all, port: string) => `:${databasePort ?? port}/waypost`);
    const waypost = spawnWaypost({
      ...ports,
      APP_ROLE: 'redirect',
      REDIRECT_WORKERS: `${workers}`,
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      DATABASE_URL: await urlOf('waypost_app'),
      DATABASE_RESOLVER_URL: await urlOf('waypost_resolver'),
      SECRET_KEY: (await readFile(join(underTest.dataDir, 'secret-key'), 'utf8')).trim(),
      PLATFORM_KEY: underTest.platformKey,
      LOG_LEVEL: 'info',
    });
    running.push(waypost);
    await eventually(
      async () => waypost.output(),
      (output) => output.includes('Waypost is running'),
      40,
    );
    return { redirect: `http://127.0.0.1:${ports.REDIRECT_PORT}`, ops: `http://127.0.0.1:${ports.OPS_PORT}` };
  }

  async function stop(): Promise<void> {
    const waypost = running.pop();
    waypost?.child.kill('SIGTERM');
    expect(await waypost?.exited).toBe(0);
  }

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-workers-'));
  });
  afterAll(async () => {
    while (running.length > 0) await stop();
    await rm(dataDir, { recursive: true, force: true });
  }, 60_000);

  it('know each other’s links after a restart with fewer of them, though the database is away', async () => {
    const tenant = await newTenant();
    const links = await Promise.all(Array.from({ length: 12 }, () => tenant.link()));
    const asked = (redirect: string, { key }: LinkBody) =>
      request<string>('GET', `${redirect}/${key}`, { headers: { host: tenant.domain, connection: 'close' } });

    const before = await start(3);
    // Each visitor by a connection of its own, so that it is chance to which worker he comes.
    const answers = await Promise.all(links.map((link) => asked(before.redirect, link)));
    expect(answers.map(({ status }) => status)).toEqual(links.map(() => 302));
    await stop();

    const { PORT: nobody } = await freePorts();
    const after = await start(2, nobody);
    for (const link of links) expect((await asked(after.redirect, link)).status).toBe(302);
    expect((await ready(after.ops)).status).toBe(200);
    await stop();

    // And with one process alone.
    const alone = await start(1, nobody);
    for (const link of links) expect((await asked(alone.redirect, link)).status).toBe(302);
    await stop();
  }, 120_000);

  it('are not ready before they have reached a database', async () => {
    await rm(dataDir, { recursive: true, force: true });
    const { PORT: nobody } = await freePorts();
    const { ops, redirect } = await start(2, nobody);
    const { status, body } = await ready(ops);
    expect(status).toBe(503);
    const away = { status: 'down', reason: expect.stringContaining('ECONNREFUSED') };
    expect(body.error).toEqual({ 'redirect worker 1': away, 'redirect worker 2': away });
    expect((await request('GET', `${ops}/livez`)).status).toBe(200);
    expect((await request('GET', `${redirect}/x`, { headers: { host: 'go.example.com' } })).status).toBe(503);
    await stop();
  }, 60_000);

  it('name the port and the variable when it is taken', async () => {
    const taken = net.createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as net.AddressInfo;
    const other = spawnWaypost({
      ...(await freePorts()),
      REDIRECT_PORT: String(port),
      APP_ROLE: 'redirect',
      REDIRECT_WORKERS: '2',
      HOST: '127.0.0.1',
      DATA_DIR: join(dataDir, 'other'),
      DATABASE_URL: await databaseUrl('waypost_app'),
      SECRET_KEY: Buffer.alloc(32).toString('base64'),
      PLATFORM_KEY: underTest.platformKey,
    });
    expect(await other.exited).toBe(1);
    expect(other.output()).toContain(`Port ${port} is already taken by another process. Set REDIRECT_PORT `);
    taken.close();
  }, 60_000);

  it('are refused where no visitors are served', async () => {
    const other = spawnWaypost({ APP_ROLE: 'worker', REDIRECT_WORKERS: '2' });
    expect(await other.exited).toBe(1);
    expect(other.output()).toContain('  REDIRECT_WORKERS: must be 1 when APP_ROLE has no redirect');
  });

  it('disturb nobody else', async () => {
    const tenant = await newTenant();
    const { key } = await tenant.link();
    expect((await visit(tenant.domain, `/${key}`)).status).toBe(302);
  });
});
