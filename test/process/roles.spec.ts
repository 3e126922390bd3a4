import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUrl } from '../support/database.js';
import { Caller, eventually, newTenant, request, type Tenant, underTest, unique, visit } from '../support/waypost.js';
import { freePorts, spawnWaypost, type WaypostProcess } from '../support/waypost-process.js';

/** A door to the database that can be shut, as a network would, or hold everything back, as a server that hangs. */
class Door {
  private readonly sockets = new Set<net.Socket>();
  private state: 'open' | 'shut' | 'frozen' = 'open';
  private held: Array<() => void> = [];
  readonly server: net.Server;

  constructor(target: number) {
    this.server = net.createServer((client) => {
      if (this.state === 'shut') return client.destroy();
      const database = net.connect(target, '127.0.0.1');
      this.connect(client, database);
      this.connect(database, client);
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as net.AddressInfo).port;
  }

  shut(): void {
    this.state = 'shut';
    for (const socket of this.sockets) socket.destroy();
  }

  freeze(): void {
    this.state = 'frozen';
  }

  reopen(): void {
    this.state = 'open';
    for (const pass of this.held.splice(0)) pass();
  }

  close(): void {
    this.shut();
    this.server.close();
  }

  private connect(from: net.Socket, to: net.Socket): void {
    this.sockets.add(from);
    from.on('data', (chunk) => {
      const pass = (): void => void (to.writable && to.write(chunk));
      if (this.state === 'frozen') this.held.push(pass);
      else pass();
    });
    from.on('error', () => from.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
  }
}

interface Role {
  process: WaypostProcess;
  api: string;
  redirect: string;
  ops: string;
}

describe('the roles, each in a process of its own', () => {
  let door: Door;
  let through: number;
  let dataDir: string;
  let tenant: Tenant;
  const roles: Record<string, Role> = {};

  async function begin(role: string, port: number, folder = unique(role)): Promise<Role> {
    const ports = await freePorts();
    const urlOf = async (name: string): Promise<string> =>
      (await databaseUrl(name)).replace(/:\d+\/waypost/, `:${port}/waypost`);
    const waypost = spawnWaypost({
      ...ports,
      APP_ROLE: role,
      HOST: '127.0.0.1',
      DATA_DIR: join(dataDir, folder),
      DATABASE_URL: await urlOf('waypost_app'),
      DATABASE_INGEST_URL: await urlOf('waypost_ingest'),
      DATABASE_RESOLVER_URL: await urlOf('waypost_resolver'),
      SECRET_KEY: (await readFile(join(underTest.dataDir, 'secret-key'), 'utf8')).trim(),
      PLATFORM_KEY: underTest.platformKey,
      DRAIN_SECONDS: '1',
      LOG_LEVEL: 'info',
    });
    const local = (port: string): string => `http://127.0.0.1:${port}`;
    return {
      process: waypost,
      api: local(ports.PORT),
      redirect: local(ports.REDIRECT_PORT),
      ops: local(ports.OPS_PORT),
    };
  }

  async function start(role: string, port: number, folder?: string): Promise<Role> {
    const started = await begin(role, port, folder);
    await eventually(
      async () => started.process.output(),
      (output) => output.includes('Waypost is running'),
      20,
    );
    return started;
  }

  const redirecting = (key: string) =>
    request<string>('GET', `${roles.redirect?.redirect}/${key}`, { headers: { host: tenant.domain } });

  beforeAll(async () => {
    tenant = await newTenant();
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-roles-'));
    door = new Door(Number(new URL(await databaseUrl('waypost_app')).port));
    through = await door.listen();
    await Promise.all(['api', 'redirect', 'worker'].map(async (role) => (roles[role] = await start(role, through))));
  }, 60_000);

  afterAll(async () => {
    for (const { process: one } of Object.values(roles)) one.child.kill('SIGTERM');
    const codes = await Promise.all(Object.values(roles).map(({ process: one }) => one.exited));
    door.close();
    await rm(dataDir, { recursive: true, force: true });
    expect(codes.every((code) => code === 0)).toBe(true);
  }, 40_000);

  it('open their own port and no other', async () => {
    const refused = async (url: string): Promise<boolean> =>
      request('GET', url).then(
        () => false,
        () => true,
      );
    expect(await refused(`${roles.api?.redirect}/x`)).toBe(true);
    expect(await refused(`${roles.redirect?.api}/v1/links`)).toBe(true);
    expect(await refused(`${roles.worker?.api}/v1/links`)).toBe(true);
    expect(await refused(`${roles.worker?.redirect}/x`)).toBe(true);
    for (const role of Object.values(roles)) {
      expect((await request('GET', `${role.ops}/livez`)).status).toBe(200);
      expect((await request('GET', `${role.ops}/readyz`)).status).toBe(200);
      expect((await request<string>('GET', `${role.ops}/metrics`)).body).toContain('process_cpu_user_seconds_total');
    }
  });

  it.each(['api', 'redirect'] as const)(
    'are ready no sooner than they answer, where that is the %s',
    async (role) => {
      for (let round = 0; round < 3; round++) {
        const one = (roles[`${role} ${round}`] = await begin(role, through));
        const ready = async (): Promise<boolean> =>
          request('GET', `${one.ops}/readyz`).then(
            ({ status }) => status === 200,
            () => false, // It does not listen yet.
          );
        for (const end = Date.now() + 30_000; !(await ready());) {
          if (Date.now() > end) throw new Error(`Never ready:\n${one.process.output()}`);
        }
        expect((await request('GET', `${one[role]}/nothing`)).status).toBe(404);
      }
    },
    120_000,
  );

  it('do the main job together', async () => {
    const caller = new Caller(tenant.apiKey, roles.api?.api);
    const link = await caller.link();
    expect((await redirecting(link.key)).status).toBe(302);
    await eventually(
      () => caller.get<{ clicks: number }>(`/v1/links/${link.id}`),
      ({ body }) => body.clicks === 1,
    );
  });

  it('hear of changes made elsewhere within 2 s', async () => {
    const link = await tenant.link();
    expect((await redirecting(link.key)).headers.location).toBe('https://example.com/');
    await tenant.patch(`/v1/links/${link.id}`, { url: 'https://example.com/new' });
    await eventually(
      () => redirecting(link.key),
      ({ headers }) => headers.location === 'https://example.com/new',
      2,
    );
  });

  it('keep redirecting known links while the database is away, and count every click when it is back', async () => {
    const caller = new Caller(tenant.apiKey, roles.api?.api);
    const link = await caller.link();
    expect((await redirecting(link.key)).status).toBe(302);

    door.shut();
    for (let n = 0; n < 20; n++) expect((await redirecting(link.key)).status).toBe(302);
    const unknown = await redirecting(unique());
    expect(unknown).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    expect(await caller.get('/v1/links')).toBeProblem(503, 'temporarily_unavailable');
    expect(await caller.post('/v1/links', { url: 'https://example.com/' })).toBeProblem(503, 'temporarily_unavailable');
    expect((await request('GET', `${roles.redirect?.ops}/readyz`)).status).toBe(200);
    expect((await request('GET', `${roles.api?.ops}/readyz`)).status).toBe(503);
    for (const role of Object.values(roles)) expect((await request('GET', `${role.ops}/livez`)).status).toBe(200);

    door.reopen();
    await eventually(
      () => caller.get('/v1/links'),
      ({ status }) => status === 200,
      20,
    );
    await eventually(
      () => redirecting(unique()),
      ({ status }) => status === 404,
      20,
    );
    await eventually(
      () => caller.get<{ clicks: number }>(`/v1/links/${link.id}`),
      ({ body }) => body.clicks === 21,
      30,
    );
    await eventually(
      () => request('GET', `${roles.api?.ops}/readyz`),
      ({ status }) => status === 200,
    );
  }, 90_000);

  it('keep redirecting known links while the database hangs, and let nobody wait long for an unknown one', async () => {
    const link = await tenant.link();
    expect((await redirecting(link.key)).status).toBe(302);
    door.freeze();
    const asked = Date.now();
    const unknown = await Promise.all(Array.from({ length: 20 }, () => redirecting(unique())));
    // 250 ms for a connection and 250 ms for the answer; the rest is for a slow machine.
    expect(Date.now() - asked).toBeLessThan(3_000);
    expect(unknown.every(({ status }) => status === 503)).toBe(true);
    const known = await Promise.all(Array.from({ length: 50 }, () => redirecting(link.key)));
    expect(known.every(({ status }) => status === 302)).toBe(true);
    door.reopen();
    await eventually(
      () => redirecting(unique()),
      ({ status }) => status === 404,
      20,
    );
  }, 40_000);

  it('still hear of changes after the database was away', async () => {
    const link = await tenant.link();
    expect((await redirecting(link.key)).status).toBe(302);
    await tenant.delete(`/v1/links/${link.id}`);
    await eventually(
      () => redirecting(link.key),
      ({ status }) => status === 404,
      12,
    );
  }, 30_000);

  it('start without their database, where that is the redirect role, and hear of changes once it is back', async () => {
    door.shut();
    const late = await start('redirect', through);
    roles.late = late;
    const asked = (key: string) =>
      request<string>('GET', `${late.redirect}/${key}`, { headers: { host: tenant.domain } });
    expect((await asked(unique())).status).toBe(503);
    expect((await request('GET', `${late.ops}/readyz`)).status).toBe(503);
    expect((await request('GET', `${late.ops}/livez`)).status).toBe(200);

    door.reopen();
    const link = await tenant.link();
    await eventually(
      () => asked(link.key),
      ({ status }) => status === 302,
      20,
    );
    expect((await request('GET', `${late.ops}/readyz`)).status).toBe(200);
    // The bus opens within a second or two; from then on an edit arrives at once.
    await eventually(
      async () => {
        await tenant.patch(`/v1/links/${link.id}`, { url: `https://example.com/${unique()}` });
        const { body } = await tenant.get<{ url: string }>(`/v1/links/${link.id}`);
        return eventually(
          () => asked(link.key),
          ({ headers }) => headers.location === body.url,
          2,
        ).then(
          () => true,
          () => false,
        );
      },
      (heard) => heard,
      15,
    );
  }, 60_000);

  it('know their links again after a restart, where that is the redirect role, though the database is away', async () => {
    const link = await tenant.link();
    const first = await start('redirect', through, 'restarted');
    const asked = ({ redirect }: Role) =>
      request<string>('GET', `${redirect}/${link.key}`, { headers: { host: tenant.domain } });
    expect((await asked(first)).status).toBe(302);
    first.process.child.kill('SIGTERM');
    expect(await first.process.exited).toBe(0);

    door.shut();
    const second = await start('redirect', through, 'restarted');
    roles.restarted = second;
    expect(await asked(second)).toMatchObject({ status: 302, headers: { location: 'https://example.com/' } });
    expect((await request('GET', `${second.ops}/readyz`)).status).toBe(200);

    // What it remembers is not what counts: the database is asked as soon as it answers.
    door.reopen();
    await tenant.patch(`/v1/links/${link.id}`, { url: 'https://example.com/new' });
    await eventually(
      () => asked(second),
      ({ headers }) => headers.location === 'https://example.com/new',
      20,
    );
  }, 60_000);

  it('leave nothing of the shared one disturbed', async () => {
    const { key } = await tenant.link();
    expect((await visit(tenant.domain, `/${key}`)).status).toBe(302);
  });
});
