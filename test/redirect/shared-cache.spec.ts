import { mkdtemp, readFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { databaseUrl } from '../support/database.js';
import { DatabaseTap } from '../support/database-tap.js';
import { metric } from '../support/metrics.js';
import { describeWithRedis } from '../support/describe-with-redis.js';
import { RedisServer } from '../support/redis-server.js';
import { type Answer, Caller, eventually, type LinkBody, request, unique } from '../support/waypost.js';
import {
  type Credentials,
  freePorts,
  removeData,
  spawnWaypost,
  type WaypostProcess,
  whenStarted,
} from '../support/waypost-process.js';

/** A redirecting process, and what it asks of the database. */
interface Node {
  process: WaypostProcess;
  tap: DatabaseTap;
  url: string;
  ops: string;
}

describeWithRedis('redirecting processes that share a Redis', () => {
  let redis: RedisServer;
  let dataDir: string;
  let rest: WaypostProcess;
  let credentials: Credentials;
  let caller: Caller;
  let one: Node;
  let two: Node;
  /** Links that nobody has asked for. */
  let cold: LinkBody[];
  /** Visits that were led to a link. */
  let clicks = 0;

  async function start(): Promise<Node> {
    const ports = await freePorts();
    const tap = await DatabaseTap.open(await databaseUrl('waypost_resolver', dataDir));
    const waypost = spawnWaypost({
      ...ports,
      APP_ROLE: 'redirect',
      HOST: '127.0.0.1',
      DATA_DIR: join(dataDir, unique('redirect')),
      DATABASE_URL: await databaseUrl('waypost_app', dataDir),
      DATABASE_RESOLVER_URL: tap.through(await databaseUrl('waypost_resolver', dataDir)),
      REDIS_URL: redis.url,
      SECRET_KEY: (await readFile(join(dataDir, 'secret-key'), 'utf8')).trim(),
      PLATFORM_KEY: credentials.platformKey,
      LOG_LEVEL: 'info',
    });
    const local = (port: string): string => `http://127.0.0.1:${port}`;
    const node = { process: waypost, tap, url: local(ports.REDIRECT_PORT), ops: local(ports.OPS_PORT) };
    await eventually(
      async () => waypost.output(),
      (output) => output.includes('Waypost is running'),
      30,
    );
    return node;
  }

  const hears = (node: Node, cause: string): Promise<number> =>
    metric(node.ops, 'waypost_cache_invalidations_total', { cause });

  async function visit(node: Node, key: string, agent?: http.Agent): Promise<Answer<string>> {
    const headers = { host: credentials.domain };
    const answer = await (agent
      ? get(`${node.url}/${key}`, headers, agent)
      : request<string>('GET', `${node.url}/${key}`, { headers }));
    if (answer.status === 302) clicks++;
    return answer;
  }

  const nextCold = (): LinkBody => {
    const link = cold.pop();
    if (!link) throw new Error('More cold links are needed');
    return link;
  };

  const sharedKey = (link: LinkBody): string => `waypost-links:v2:${credentials.domain}/${link.key}`;

  /** What a process has shared of a link. */
  async function shared(link: LinkBody): Promise<{ confirmedAt: number; value: Record<string, unknown> }> {
    const text = await eventually(
      () => redis.ask((client) => client.get(sharedKey(link))),
      (found) => found !== null,
    );
    return JSON.parse(text ?? '') as Awaited<ReturnType<typeof shared>>;
  }

  const plant = (link: LinkBody, text: string): Promise<unknown> =>
    redis.ask((client) => client.set(sharedKey(link), text, 'PX', 60_000));

  beforeAll(async () => {
    redis = await RedisServer.start();
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-shared-'));
    rest = spawnWaypost({ ...(await freePorts()), DATA_DIR: dataDir, REDIS_URL: redis.url, LOG_LEVEL: 'info' });
    credentials = await whenStarted(rest, dataDir);
    caller = new Caller(credentials.apiKey, credentials.apiUrl);
    cold = await Promise.all(Array.from({ length: 150 }, () => caller.link({ domain: credentials.domain })));
    [one, two] = await Promise.all([start(), start()]);
    // What was found before they could hear of changes, they do not trust.
    for (const node of [one, two]) {
      await eventually(
        () => hears(node, 'gap'),
        (heard) => heard > 0,
        20,
      );
    }
  }, 120_000);

  afterAll(async () => {
    for (const { process } of [one, two]) process.child.kill('SIGTERM');
    const codes = await Promise.all([one.process.exited, two.process.exited]);
    rest.child.kill('SIGTERM');
    codes.push(await rest.exited);
    for (const { tap } of [one, two]) tap.close();
    await redis.remove();
    await removeData(dataDir);
    expect(codes).toEqual([0, 0, 0]);
  }, 60_000);

  it('ask the database once for a key that a thousand ask for at once', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1_000 });
    const together = async () => {
      const link = nextCold();
      await visit(one, nextCold().key); // The domain is known.
      const before = one.tap.executed('resolve-link');
      const counted = await metric(one.ops, 'waypost_resolver_queries_total', { statement: 'resolve-link' });
      const begun = performance.now();
      one.tap.hold();
      const visits = Promise.all(Array.from({ length: 1_000 }, () => visit(one, link.key, agent)));
      await sleep(100);
      one.tap.release();
      const held = performance.now() - begun;
      return { before, counted, held, statuses: [...new Set((await visits).map(({ status }) => status))] };
    };
    let seen = await together();
    // A busy machine holds the database back for longer than it is told, and then the process rightly gives up.
    for (let attempt = 0; attempt < 20 && seen.held > 200; attempt++) seen = await together();
    agent.destroy();
    const { before, counted, statuses } = seen;
    expect(statuses).toEqual([302]);
    expect(one.tap.executed('resolve-link') - before).toBe(1);
    expect(await metric(one.ops, 'waypost_resolver_queries_total', { statement: 'resolve-link' })).toBe(counted + 1);
  });

  it('answer with what another has found, without the database', async () => {
    const link = nextCold();
    expect((await visit(one, link.key)).status).toBe(302);
    await shared(link);
    const before = two.tap.executed('resolve-link');
    expect(await visit(two, link.key)).toMatchObject({ status: 302, headers: { location: link.url } });
    expect(two.tap.executed('resolve-link')).toBe(before);
    expect(
      await metric(two.ops, 'waypost_shared_cache_lookups_total', { cache: 'links', outcome: 'hit' }),
    ).toBeGreaterThan(0);
  });

  it('share a link as soon as it was created, and no name that is not there', async () => {
    const absent = unique();
    expect((await visit(one, absent)).status).toBe(404);
    const link = await caller.link({ domain: credentials.domain, key: absent });
    await eventually(
      () => visit(one, absent),
      ({ status }) => status === 302,
      2,
    );
    await shared(link);
    const ttl = await redis.ask((client) => client.pttl(sharedKey(link)));
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(15_200);
    const missing = unique();
    expect((await visit(one, missing)).status).toBe(404);
    await sleep(200);
    expect(await redis.ask((client) => client.keys(`*${missing}*`))).toEqual([]);
  });

  it('have an edit in force within 2 s, even if somebody shares what was true before', async () => {
    const link = nextCold();
    for (const node of [one, two]) expect((await visit(node, link.key)).headers.location).toBe(link.url);
    const before = await shared(link);
    const heard = await hears(two, 'link');
    const url = `https://example.com/${unique()}`;
    await caller.patch(`/v1/links/${link.id}`, { url });
    await eventually(
      () => visit(one, link.key),
      ({ headers }) => headers.location === url,
      2,
    );
    await eventually(
      () => hears(two, 'link'),
      (now) => now > heard,
      2,
    );
    await plant(link, JSON.stringify({ ...before, confirmedAt: Date.now() }));
    expect((await visit(two, link.key)).headers.location).toBe(url);
  });

  it('believe what is shared of a link nobody here has changed', async () => {
    const [known, link] = [nextCold(), nextCold()];
    await visit(one, known.key);
    const { value } = await shared(known);
    const url = 'https://example.com/planted';
    await plant(link, JSON.stringify({ confirmedAt: Date.now(), value: { ...value, url } }));
    expect((await visit(two, link.key)).headers.location).toBe(url);
  });

  it.each<[string, (value: Record<string, unknown>) => string]>([
    ['is no JSON', () => '{"confirmedAt":'],
    ['has another shape', (value) => JSON.stringify({ confirmedAt: Date.now(), value: { ...value, url: 7 } })],
    [
      'fits into no header',
      (value) => JSON.stringify({ confirmedAt: Date.now(), value: { ...value, url: 'https://example.com/\r\nx: y' } }),
    ],
    ['was true too long ago', (value) => JSON.stringify({ confirmedAt: Date.now() - 16_000, value })],
    [
      'belongs to another domain',
      (value) => JSON.stringify({ confirmedAt: Date.now(), value: { ...value, domainId: unique() } }),
    ],
  ])('ask the database when what is shared %s', async (_what, text) => {
    const [known, link] = [nextCold(), nextCold()];
    await visit(one, known.key);
    const { value } = await shared(known);
    await plant(link, text({ ...value, url: 'https://example.com/planted' }));
    expect(await visit(two, link.key)).toMatchObject({ status: 302, headers: { location: link.url } });
  });

  it.each<[string, () => Promise<void> | void, () => Promise<void> | void]>([
    ['hangs', () => redis.freeze(), () => redis.thaw()],
    ['is killed', () => redis.kill(), () => redis.restart()],
  ])(
    'lose no visitor and no click while Redis %s',
    async (_what, stop, resume) => {
      const known = nextCold();
      const visitBoth = async (keys: string[]): Promise<void> => {
        for (const key of keys) {
          const asked = performance.now();
          const answers = await Promise.all([visit(one, key), visit(two, key)]);
          expect(answers.map(({ status }) => status)).toEqual([302, 302]);
          // Redis' own deadline is 40 ms; the rest is for a slow machine.
          expect(performance.now() - asked).toBeLessThan(1_000);
        }
      };
      await visitBoth([known.key]);
      const under = visitBoth(Array.from({ length: 20 }, () => nextCold().key));
      await stop();
      await under;
      for (let n = 0; n < 20; n++) await visitBoth([known.key, nextCold().key]);
      expect((await visit(one, unique())).status).toBe(404);
      expect(await metric(one.ops, 'waypost_spool_bytes')).toBeGreaterThan(0);
      expect(await metric(one.ops, 'waypost_shared_cache_errors_total')).toBeGreaterThan(0);
      await resume();
      await visitBoth([known.key, nextCold().key]);
      await eventually(
        () => caller.get<{ clicks: number }>('/v1/analytics?groupBy=count'),
        ({ body }) => body.clicks === clicks,
        60,
      );
    },
    120_000,
  );

  it('use Redis again, and hear of edits again, once it is back', async () => {
    await eventually(
      async () => {
        const link = nextCold();
        await visit(one, link.key);
        await sleep(100);
        const before = two.tap.executed('resolve-link');
        await visit(two, link.key);
        return two.tap.executed('resolve-link') - before;
      },
      (queries) => queries === 0,
      20,
    );
    const link = nextCold();
    expect((await visit(two, link.key)).status).toBe(302);
    await eventually(
      async () => {
        const url = `https://example.com/${unique()}`;
        await caller.patch(`/v1/links/${link.id}`, { url });
        await sleep(1_500);
        return (await visit(two, link.key)).headers.location === url;
      },
      (inForce) => inForce,
      30,
    );
  }, 60_000);
});

/** Like `request`, over sockets of its own. */
function get(url: string, headers: Record<string, string>, agent: http.Agent): Promise<Answer<string>> {
  return new Promise((resolve, reject) => {
    const asked = http.get(url, { headers, agent }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '', text: '' }),
      );
    });
    asked.on('error', reject);
  });
}
