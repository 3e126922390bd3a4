import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUrl } from '../support/database.js';
import { metric as sumOf } from '../support/metrics.js';
import {
  type Answer,
  eventually,
  localHostname,
  newTenant,
  request,
  type Tenant,
  underTest,
  unique,
} from '../support/waypost.js';
import { freePorts, spawnWaypost, type WaypostProcess } from '../support/waypost-process.js';

const BURST = 5;
/** A token in ten seconds: none comes back while a test has its say. */
const PER_SECOND = 0.1;

describe('a client that asks for names that are not there', () => {
  let waypost: WaypostProcess;
  let dataDir: string;
  let ports: Awaited<ReturnType<typeof freePorts>>;
  let tenant: Tenant;

  beforeAll(async () => {
    tenant = await newTenant();
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-scanning-'));
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
      TRUSTED_PROXIES: 'loopback',
      SCAN_LIMIT_BURST: String(BURST),
      SCAN_LIMIT_PER_SECOND: String(PER_SECOND),
      LOG_LEVEL: 'info',
    });
    await eventually(
      async () => waypost.output(),
      (output) => output.includes('Waypost is running'),
      60,
    );
  }, 90_000);

  afterAll(async () => {
    waypost.child.kill('SIGTERM');
    expect(await waypost.exited).toBe(0);
    await rm(dataDir, { recursive: true, force: true });
  });

  const visit = (client: string, key: string, domain = tenant.domain): Promise<Answer<string>> =>
    request('GET', `http://127.0.0.1:${ports.REDIRECT_PORT}/${key}`, {
      headers: { host: domain, 'x-forwarded-for': client },
    });
  const statuses = async (client: string, keys: string[]): Promise<number[]> =>
    (await Promise.all(keys.map((key) => visit(client, key)))).map(({ status }) => status);

  let clients = 0;
  const newClient = (): string => `198.51.100.${++clients}`;
  /** A client that has used up its burst. */
  async function newScanner(client = newClient()): Promise<string> {
    expect(
      await statuses(
        client,
        Array.from({ length: BURST }, () => unique()),
      ),
    ).toEqual(Array(BURST).fill(404));
    return client;
  }

  const metric = async (name: string): Promise<number> => {
    const { body } = await request<string>('GET', `http://127.0.0.1:${ports.OPS_PORT}/metrics`);
    const line = body.split('\n').find((one) => one.startsWith(`${name} `));
    if (line === undefined) throw new Error(`No ${name} in:\n${body}`);
    return Number(line.split(' ')[1]);
  };

  it('can not tell what is there from what is not, once it is over its limit', async () => {
    const [cold, disabled] = [await tenant.link(), await tenant.link({ disabledAt: new Date().toISOString() })];
    const early = await tenant.link({ startsAt: '2099-01-01T00:00:00Z' });
    const asked = unique();
    // In memory: links that are hidden, and a name that is known to be absent.
    expect(await statuses(newClient(), [disabled.key, early.key, asked])).toEqual([404, 404, 404]);
    const scanner = await newScanner();
    const limited = await metric('waypost_redirects_limited_total');
    const answers = await Promise.all([
      ...[unique(), asked, cold.key, disabled.key, early.key, ''].map((key) => visit(scanner, key)),
      visit(scanner, unique(), localHostname()),
      visit(scanner, '', 'unknown.example'),
    ]);
    const shown = answers.map(({ status, text, headers: { date: _date, 'retry-after': _, ...headers } }) => ({
      status,
      text,
      headers,
    }));
    expect(shown[0]).toMatchObject({ status: 429, text: expect.stringContaining('Too many requests') });
    for (const one of shown) expect(one).toEqual(shown[0]);
    for (const { headers } of answers) {
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(1 / PER_SECOND);
    }
    expect(await metric('waypost_redirects_limited_total')).toBe(limited + answers.length);
  });

  it('has nothing looked up for it then', async () => {
    const { key } = await tenant.link();
    const scanner = await newScanner();
    const known = (kind: string) => metric(`waypost_cache_entries{cache="links",kind="${kind}"}`);
    const [present, absent] = [await known('present'), await known('absent')];
    expect(await statuses(scanner, [key, unique(), unique()])).toEqual([429, 429, 429]);
    expect(await known('present')).toBe(present);
    // Fewer when the bus tells of a tenant, which another test may have made.
    expect(await known('absent')).toBeLessThanOrEqual(absent);
    expect((await visit(newClient(), key)).status).toBe(302);
    expect(await known('present')).toBe(present + 1);
  });

  it('still gets what is in memory, for others may come from the same address', async () => {
    const links = [
      await tenant.link(),
      await tenant.link({ expiresAt: '2099-01-01T00:00:00Z' }),
      await tenant.link({ key: `${unique()}/été` }),
    ];
    const paths = links.map(({ key }) => encodeURI(key));
    expect(await statuses(newClient(), paths)).toEqual([302, 302, 302]);
    expect(await statuses(await newScanner(), [...paths, `${paths[2]}/`])).toEqual([302, 302, 302, 302]);
  });

  it('pays as much for names that lead to the page of a domain', async () => {
    const hostname = localHostname();
    await tenant.post('/v1/domains', {
      hostname,
      notFoundUrl: 'https://example.com/404',
      rootUrl: 'https://example.com/',
    });
    const client = newClient();
    for (let n = 0; n < BURST; n++) expect((await visit(client, unique(), hostname)).status).toBe(302);
    expect((await visit(client, unique(), hostname)).status).toBe(429);
    // The news of the new domain may have come only now, and then it is not in memory.
    await eventually(
      async () => (await visit(newClient(), '', hostname)).status === 302 && visit(client, '', hostname),
      (answer) => answer && answer.headers.location === 'https://example.com/',
    );
  });

  it('pays as much for a path that is longer than any key, of which nothing is looked up or remembered', async () => {
    const { key } = await tenant.link();
    expect((await visit(newClient(), key)).status).toBe(302);
    const absent = (): Promise<number> => metric('waypost_cache_entries{cache="links",kind="absent"}');
    const queries = (): Promise<number> =>
      sumOf(`http://127.0.0.1:${ports.OPS_PORT}`, 'waypost_resolver_queries_total', { statement: 'resolve-link' });
    const client = newClient();
    const { status, text } = await visit(client, unique());
    const [absences, before] = [await absent(), await queries()];
    const long = await Promise.all(
      Array.from({ length: BURST - 1 }, (_, n) => visit(client, `${unique()}${'x'.repeat(400 + 4_000 * (n % 2))}`)),
    );
    for (const answer of long) expect(answer).toMatchObject({ status, text });
    expect(status).toBe(404);
    expect(await queries()).toBe(before);
    expect(await absent()).toBeLessThanOrEqual(absences);
    expect((await visit(client, 'x'.repeat(8_000))).status).toBe(429);
  });

  it('does not get a new limit by what it writes into X-Forwarded-For itself', async () => {
    const scanner = await newScanner();
    expect((await visit(`192.0.2.1, ${scanner}`, unique())).status).toBe(429);
  });

  it('is one address, or one network of 64 bits', async () => {
    await newScanner('2001:db8:1:1::1');
    expect((await visit('2001:db8:1:1:ffff::2', unique())).status).toBe(429);
    expect((await visit('2001:db8:1:2::1', unique())).status).toBe(404);
    expect((await visit(newClient(), unique())).status).toBe(404);
  });

  it('pays for what it asks all at once', async () => {
    const client = newClient();
    await statuses(
      client,
      Array.from({ length: 4 * BURST }, () => unique()),
    );
    const { status, headers } = await visit(client, unique());
    expect(status).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(1 / PER_SECOND);
  });

  it('may ask again when it has waited', async () => {
    const scanner = await newScanner();
    expect((await visit(scanner, unique())).status).toBe(429);
    await eventually(
      () => visit(scanner, unique()),
      ({ status }) => status === 404,
      20,
    );
    expect((await visit(scanner, unique())).status).toBe(429);
  });

  it('is nobody who asks for links, however many and however new', async () => {
    const expiresAt = '2099-01-01T00:00:00Z';
    const links = await Promise.all(Array.from({ length: 4 * BURST }, () => tenant.link({ expiresAt })));
    const keys = links.map(({ key }) => key);
    const client = newClient();
    expect(new Set(await statuses(client, keys))).toEqual(new Set([302]));
    expect((await visit(client, unique())).status).toBe(404);
  });
});
