import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUrl } from '../support/database.js';
import { Caller, eventually, request } from '../support/waypost.js';
import {
  type Credentials,
  freePorts,
  ownRedis,
  spawnWaypost,
  type WaypostProcess,
  whenStarted,
} from '../support/waypost-process.js';

describe('the life of the embedded default', () => {
  let dataDir: string;
  let ports: Awaited<ReturnType<typeof freePorts>>;
  let waypost: WaypostProcess;
  let credentials: Credentials;

  const start = async (): Promise<void> => {
    waypost = spawnWaypost({ ...ports, ...ownRedis(1), DATA_DIR: dataDir, LOG_LEVEL: 'warn' });
    credentials = await whenStarted(waypost, dataDir);
  };

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-life-'));
    ports = await freePorts();
    await start();
  }, 60_000);

  afterAll(async () => {
    waypost.child.kill('SIGKILL');
    await waypost.exited;
    // The database outlives a kill: start once more to stop it in an orderly way.
    await start();
    waypost.child.kill('SIGTERM');
    await waypost.exited;
    await rm(dataDir, { recursive: true, force: true });
  }, 60_000);

  it('keeps its credentials for the owner alone', async () => {
    expect((await stat(join(dataDir, 'credentials.json'))).mode & 0o777).toBe(0o600);
    expect(Object.keys(credentials).sort()).toEqual([
      'apiKey',
      'apiUrl',
      'domain',
      'opsUrl',
      'platformKey',
      'redirectUrl',
      'tenantId',
    ]);
    expect(credentials.domain).toBe(`localhost:${ports.REDIRECT_PORT}`);
  });

  it('prints a curl that works', () => {
    expect(waypost.output()).toContain(
      `curl -s ${credentials.apiUrl}/v1/shorten -H 'Authorization: Bearer ${credentials.apiKey}'`,
    );
  });

  it('finds its links and clicks again after a SIGKILL', async () => {
    const caller = new Caller(credentials.apiKey, credentials.apiUrl);
    const link = await caller.link();
    expect((await request('GET', link.shortLink)).status).toBe(302);
    await eventually(
      () => caller.get<{ clicks: number }>(`/v1/links/${link.id}`),
      ({ body }) => body.clicks === 1,
    );

    waypost.child.kill('SIGKILL');
    await waypost.exited;
    const before = credentials;
    await start();
    expect(waypost.output()).toContain('Took over');
    expect(credentials).toEqual(before);
    expect(await caller.get(`/v1/links/${link.id}`)).toMatchObject({ status: 200, body: { clicks: 1 } });
    expect((await request('GET', link.shortLink)).status).toBe(302);
  }, 60_000);

  it('refuses a second process on the same data', async () => {
    const second = spawnWaypost({ ...(await freePorts()), DATA_DIR: dataDir });
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(dataDir);
    expect((await request('GET', `${credentials.opsUrl}/readyz`)).status).toBe(200);
  });

  it.each(['PORT', 'REDIRECT_PORT', 'OPS_PORT'] as const)(
    'names the port and the variable when %s is taken',
    async (variable) => {
      const taken = net.createServer();
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      const { port } = taken.address() as net.AddressInfo;
      const other = spawnWaypost({
        ...(await freePorts()),
        [variable]: String(port),
        DATA_DIR: join(dataDir, 'other'),
      });
      expect(await other.exited).toBe(1);
      expect(other.output()).toContain(`Port ${port} is already taken`);
      expect(other.output()).toContain(`Set ${variable} `);
      taken.close();
    },
  );

  it('names all that is wrong with its environment', async () => {
    const other = spawnWaypost({ APP_ROLE: 'api', PORT: 'x', SECRET_KEY: 'short' });
    expect(await other.exited).toBe(1);
    for (const name of ['PORT', 'SECRET_KEY', 'DATABASE_URL']) expect(other.output()).toContain(`  ${name}: `);
  });

  it('makes a new key when the credentials file is lost, and keeps tenant and links', async () => {
    const { tenantId } = credentials;
    waypost.child.kill('SIGTERM');
    expect(await waypost.exited).toBe(0);
    const platformKey = (JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8')) as Credentials)
      .platformKey;
    await rm(join(dataDir, 'credentials.json'));
    await start();
    expect(credentials.tenantId).toBe(tenantId);
    expect(credentials.platformKey).not.toBe(platformKey);
    const links = await new Caller(credentials.apiKey, credentials.apiUrl).get<{ data: unknown[] }>('/v1/links');
    expect(links.body.data.length).toBeGreaterThan(0);
  }, 60_000);

  it('stops within 5 s, also with connections open and clicks under way', async () => {
    const caller = new Caller(credentials.apiKey, credentials.apiUrl);
    const link = await caller.link();
    for (let n = 0; n < 50; n++) await request('GET', link.shortLink);
    const asked = Date.now();
    waypost.child.kill('SIGINT');
    expect(await waypost.exited).toBe(0);
    expect(Date.now() - asked).toBeLessThan(5_000);
    await start();
    await eventually(
      () => caller.get<{ clicks: number }>(`/v1/links/${link.id}`),
      ({ body }) => body.clicks === 50,
    );
  }, 60_000);
});

describe('npm run migrate', () => {
  const migrate = async (): Promise<WaypostProcess> => {
    const [owner, app] = [await databaseUrl('postgres'), await databaseUrl('waypost_app')];
    return spawnWaypost({ DATABASE_URL: app, DATABASE_OWNER_URL: owner }, 'dist/waypost.js migrate');
  };

  it('can be run again, and twice at once', async () => {
    const runs = await Promise.all([migrate(), migrate()]);
    expect(await Promise.all(runs.map(({ exited }) => exited))).toEqual([0, 0]);
    for (const run of runs) expect(run.output()).toBe('Up to date\n');
  });
});
