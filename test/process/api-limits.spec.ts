import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { databaseUrl } from '../support/database.js';
import { metric } from '../support/metrics.js';
import { describeWithRedis } from '../support/describe-with-redis.js';
import { RedisServer } from '../support/redis-server.js';
import { type Answer, Caller, eventually, request, unique } from '../support/waypost.js';
import {
  type Credentials,
  freePorts,
  removeData,
  spawnWaypost,
  type WaypostProcess,
  whenStarted,
} from '../support/waypost-process.js';

/** Where Redis is late, counting is tried again, and a minute is waited for. */
jest.setTimeout(180_000);

const FAILURES = 5;
const REQUESTS = 20;
const ADDRESS = 200;
const ALL_OF_ADDRESS = `"address";q=${ADDRESS};w=60`;
const ORIGIN = 'https://app.example.com';

const LIMITS = {
  RATE_LIMIT_FAILURES: String(FAILURES),
  RATE_LIMIT_CREDENTIAL: String(REQUESTS),
  RATE_LIMIT_ADDRESS: String(ADDRESS),
  LIMIT_LINKS_PER_MONTH: '3',
  TRUSTED_PROXIES: 'loopback',
  CORS_ORIGINS: `${ORIGIN}, https://other.example.com`,
  SECURITY_CONTACT: 'mailto:security@example.com,https://example.com/report',
};

describeWithRedis('two API processes that share a Redis, with limits of their own', () => {
  let redis: RedisServer;
  let dataDir: string;
  let first: WaypostProcess;
  let second: WaypostProcess;
  let credentials: Credentials;
  let operator: Caller;
  /** Addresses of their APIs, and of their metrics. */
  let apis: [string, string];
  let opsUrls: [string, string];

  beforeAll(async () => {
    redis = await RedisServer.start();
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-limits-'));
    first = spawnWaypost({ ...(await freePorts()), ...LIMITS, DATA_DIR: dataDir, REDIS_URL: redis.url });
    credentials = await whenStarted(first, dataDir);
    const ports = await freePorts();
    second = spawnWaypost({
      ...ports,
      ...LIMITS,
      APP_ROLE: 'api',
      HOST: '127.0.0.1',
      DATABASE_URL: await databaseUrl('waypost_app', dataDir),
      REDIS_URL: redis.url,
      SECRET_KEY: (await readFile(join(dataDir, 'secret-key'), 'utf8')).trim(),
      PLATFORM_KEY: credentials.platformKey,
      DATA_DIR: join(dataDir, 'second'),
    });
    await eventually(
      async () => second.output(),
      (output) => output.includes('Waypost is running'),
      30,
    );
    apis = [credentials.apiUrl.replace('localhost', '127.0.0.1'), `http://127.0.0.1:${ports.PORT}`];
    opsUrls = [credentials.opsUrl, `http://127.0.0.1:${ports.OPS_PORT}`];
    operator = new Caller(credentials.platformKey, apis[0]);
  }, 120_000);

  afterAll(async () => {
    for (const waypost of [second, first]) waypost.child.kill('SIGTERM');
    const codes = [await second.exited, await first.exited];
    await redis.remove();
    await removeData(dataDir);
    expect(codes).toEqual([0, 0]);
  }, 60_000);

  /** A key that nobody has used yet. The operator's own requests are counted, too: beyond the limit, this waits. */
  async function newKey(limits: object = {}): Promise<{ key: string; tenantId: string }> {
    const slug = unique();
    const { body } = await eventually(
      () => operator.post<{ id: string; apiKey: string }>('/v1/tenants', { name: slug, slug, limits }),
      ({ status }) => status === 201,
      70,
    );
    return { key: body.apiKey, tenantId: body.id };
  }

  /** Asks one of the processes, as somebody behind the proxy in front of it. */
  const ask = (api: string, key: string | undefined, address: string): Promise<Answer<never>> =>
    request('GET', `${api}/v1/links`, {
      headers: { 'x-forwarded-for': address, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    });

  /** A Redis that is late on a busy machine is done without, and then each counts for itself: that is tried again. */
  async function undisturbed(counting: () => Promise<void>): Promise<void> {
    const late = async (): Promise<number> => {
      const errors = opsUrls.map((url) => metric(url, 'waypost_shared_cache_errors_total', { operation: 'count' }));
      return (await Promise.all(errors)).reduce((sum, count) => sum + (count || 0), 0);
    };
    for (let attempts = 10; ; attempts--) {
      const before = await late();
      try {
        return await counting();
      } catch (error) {
        if (attempts === 0 || (await late()) === before) throw error;
      }
    }
  }

  const wrong = 'wp_not-a-key';
  const nextAddress = (() => {
    let last = 0;
    return () => `203.0.113.${++last}`;
  })();

  it('make guessing slow, for all of them together, and tell nothing more to who has guessed too often', async () => {
    await undisturbed(async () => {
      const address = nextAddress();
      for (let n = 0; n < FAILURES; n++) {
        const answer = await ask(apis[n % 2] as string, n === 0 ? undefined : wrong, address);
        expect(answer).toBeProblem(401, 'unauthenticated');
        expect(answer.headers['ratelimit-policy']).toBe(`${ALL_OF_ADDRESS}, "failures";q=${FAILURES};w=60`);
        expect(answer.headers.ratelimit).toMatch(new RegExp(`, "failures";r=${FAILURES - 1 - n};t=\\d+$`));
      }
      const { key } = await newKey();
      for (const api of apis) {
        const refused = await ask(api, wrong, address);
        expect(refused).toBeProblem(429, 'rate_limited');
        expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
        // Not even whether this one would have been right.
        expect(await ask(api, key, address)).toBeProblem(429, 'rate_limited');
      }
      expect((await ask(apis[0], key, nextAddress())).status).toBe(200);
    });
  });

  it('let those go on who share the address and were in before', async () => {
    const address = nextAddress();
    const { key } = await newKey();
    expect((await ask(apis[0], key, address)).status).toBe(200);
    for (let n = 0; n <= FAILURES; n++) await ask(apis[0], wrong, address);
    expect(await ask(apis[0], wrong, address)).toBeProblem(429, 'rate_limited');
    expect((await ask(apis[0], key, address)).status).toBe(200);
  });

  it('take a network of IPv6 for one address, and do not believe what a client says of its own', async () => {
    await undisturbed(async () => {
      const next = Number(nextAddress().split('.').at(-1));
      const network = `2001:db8:1:${next}`;
      for (let n = 0; n < FAILURES; n++) await ask(apis[0], wrong, `${network}::${n}`);
      expect(await ask(apis[0], wrong, `${network}:ffff::1`)).toBeProblem(429, 'rate_limited');
      expect(await ask(apis[0], wrong, `2001:db8:2:${next}::1`)).toBeProblem(401, 'unauthenticated');
      const address = nextAddress();
      for (let n = 0; n < FAILURES; n++) await ask(apis[0], wrong, `198.51.100.${n}, ${address}`);
      expect(await ask(apis[0], wrong, `198.51.100.99, ${address}`)).toBeProblem(429, 'rate_limited');
    });
  });

  it("count a credential's requests together, and of the tenant's other credentials apart", async () => {
    await undisturbed(async () => {
      const { key } = await newKey();
      const address = nextAddress();
      const answers = await Promise.all(
        Array.from({ length: REQUESTS + 10 }, (_, n) => ask(apis[n % 2] as string, key, address)),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(REQUESTS);
      expect(statuses.filter((status) => status === 429)).toHaveLength(10);
      const limited = answers.find(({ status }) => status === 429);
      expect(limited).toBeProblem(429, 'rate_limited');
      expect(limited?.headers.ratelimit).toMatch(/, "credential";r=0;t=\d+$/);
      const refused = opsUrls.map((url) => metric(url, 'waypost_api_limited_total', { limit: 'credential' }));
      expect((await Promise.all(refused)).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(10);
    });
  });

  it("count an address's requests together, with whatever credentials, and refuse what is beyond", async () => {
    await undisturbed(async () => {
      const keys: string[] = [];
      for (let n = 0; n < ADDRESS / REQUESTS + 1; n++) keys.push((await newKey()).key);
      const address = nextAddress();
      const asked = (n: number) => ask(apis[n % 2] as string, keys[Math.floor(n / REQUESTS)], address);
      const answers = await Promise.all(Array.from({ length: ADDRESS }, (_, n) => asked(n)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      const refused = await asked(ADDRESS);
      expect(refused).toBeProblem(429, 'rate_limited');
      expect(refused.headers.ratelimit).toMatch(/^"address";r=0;t=\d+$/);
      expect((await ask(apis[0], keys.at(-1), nextAddress())).status).toBe(200);
    });
  });

  it('count each for itself while Redis is away, refuse nobody for that, and together again when it is back', async () => {
    const address = nextAddress();
    const { key } = await newKey();
    await redis.kill();
    try {
      for (const api of apis) {
        const began = performance.now();
        for (let n = 0; n < REQUESTS; n++) expect((await ask(api, key, address)).status).toBe(200);
        expect(await ask(api, key, address)).toBeProblem(429, 'rate_limited');
        expect(performance.now() - began).toBeLessThan(10_000);
      }
      expect(await ask(apis[0], wrong, address)).toBeProblem(401, 'unauthenticated');
    } finally {
      await redis.restart();
    }
    const { key: next } = await newKey();
    const left = async (): Promise<number> =>
      Number(/"credential";r=(\d+)/.exec(String((await ask(apis[0], next, address)).headers.ratelimit))?.[1]);
    const shared = (): Promise<string[]> =>
      redis.ask(async (client) => (await client.keys('waypost:rate:*')).filter((name) => name.includes('key_')));
    // Windows that Redis has kept end meanwhile: what tells is a new one.
    const before = new Set(await shared());
    await eventually(
      async () => (await left(), shared()),
      (names) => names.some((name) => !before.has(name)),
      15,
    );
  }, 60_000);

  it("keep every tenant to the platform's limits unless its plan has others", async () => {
    const create = async (key: string): Promise<number> => {
      const caller = new Caller(key, apis[0]);
      const domain = await caller.post<{ id: string }>('/v1/domains', { hostname: `${unique()}.localhost` });
      expect(domain.status).toBe(201);
      let made = 0;
      while (made < 6 && (await caller.post('/v1/links', { url: 'https://example.com/' })).status === 201) made++;
      return made;
    };
    expect(await create((await newKey()).key)).toBe(3);
    expect(await create((await newKey({ linksPerMonth: 5 })).key)).toBe(5);
    const { body } = await new Caller((await newKey()).key, apis[1]).get<{ limits: object }>('/v1/tenant');
    expect(body.limits).toMatchObject({ linksPerMonth: 3, domains: null });
  });

  it('open themselves to the origins that are named, and never with cookies', async () => {
    const preflight = (origin: string): Promise<Answer<never>> =>
      request('OPTIONS', `${apis[0]}/v1/links`, {
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      });
    const allowed = await preflight(ORIGIN);
    expect(allowed.status).toBe(204);
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': expect.stringContaining('PATCH'),
      'access-control-allow-headers': expect.stringContaining('Authorization'),
      vary: expect.stringContaining('Origin'),
    });
    const { key } = await newKey();
    const simple = await new Caller(key, apis[0]).get('/v1/links', { headers: { origin: ORIGIN } });
    expect(simple.headers['access-control-allow-origin']).toBe(ORIGIN);
    for (const name of ['RateLimit', 'Link', 'X-Request-Id', 'Retry-After'])
      expect(String(simple.headers['access-control-expose-headers']).split(', ')).toContain(name);
    for (const origin of ['https://evil.example.com', 'null', `${ORIGIN}.evil.example.com`, 'http://app.example.com']) {
      expect((await preflight(origin)).headers).not.toHaveProperty('access-control-allow-origin');
    }
    for (const { headers } of [allowed, simple]) expect(headers).not.toHaveProperty('access-control-allow-credentials');
    const bare = await request('OPTIONS', `${apis[0]}/v1/links`);
    expect(bare.status).toBe(204);
  });

  it('write what was asked into their logs, and neither headers, addresses, queries nor bodies', async () => {
    const { key } = await newKey();
    const secret = unique('secret');
    const headers = { authorization: `Bearer ${key}`, 'x-forwarded-for': '203.0.113.200', 'x-note': secret };
    await request('GET', `${apis[1]}/v1/links?search=${secret}`, { headers });
    await request('POST', `${apis[1]}/v1/links`, {
      headers,
      body: { url: `https://example.com/${secret}`, no: secret },
    });
    const lines = await eventually(
      async () => second.output(),
      (output) => /"method":"POST","route":"\/v1\/links","status":422/.test(output),
    );
    expect(lines).toMatch(/"method":"GET","route":"\/v1\/links","status":200/);
    for (const part of [secret, key, credentials.platformKey, '203.0.113.', 'Bearer'])
      expect(lines).not.toContain(part);
  });

  it('say whom to tell of a flaw', async () => {
    const { text } = await request<string>('GET', `${apis[1]}/.well-known/security.txt`);
    expect(text).toMatch(/^Contact: mailto:security@example\.com\nContact: https:\/\/example\.com\/report\nExpires: /);
  });
});
