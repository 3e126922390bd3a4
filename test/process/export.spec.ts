import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { uuidOf } from '../support/click-segments.js';
import { type Customer, Deployment, metricOf, type RoleProcess } from '../support/deployment.js';
import { eventually } from '../support/waypost.js';

/** EXPORT_CLICKS=1000000 takes a minute or two. */
const CLICKS = Number(process.env.EXPORT_CLICKS ?? 200_000);
const MB = 1024 * 1024;
const MOST_MB = 200;

describe(`exports of ${CLICKS} clicks from a process that is the API alone`, () => {
  let deployment: Deployment;
  let api: RoleProcess;
  let tenant: Customer;
  let admin: pg.Client;

  beforeAll(async () => {
    deployment = await Deployment.open(17);
    // One connection: an export that keeps it is one too many.
    api = await deployment.start('api', undefined, { DATABASE_POOL_SIZE: '1', DRAIN_SECONDS: '0' });
    tenant = await deployment.newTenant();
    const link = await tenant.link();
    admin = new pg.Client({ connectionString: deployment.postgres.adminUrl });
    await admin.connect();
    await admin.query(
      `INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, country, city, utm_source, browser, os)
       SELECT $1, gen_random_uuid(), $2, $3, now() - (n % 500000) * interval '1 second', 'DE', 'Berlin', repeat('x', 50),
              'Chrome', 'Windows'
       FROM generate_series(1, ${CLICKS}) AS n`,
      [uuidOf(tenant.tenantId), uuidOf(link.id), uuidOf(tenant.domainId)],
    );
    await admin.query('ANALYZE clicks');
  }, 300_000);
  afterAll(async () => {
    await admin?.end();
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  const open = (format = 'ndjson', cursor?: string): Promise<http.IncomingMessage> =>
    new Promise((resolve, reject) => {
      const query = new URLSearchParams({ format, interval: '7d', ...(cursor && { cursor }) });
      const url = `http://127.0.0.1:${api.ports.PORT}/v1/analytics/export?${query}`;
      http
        .get(url, { headers: { authorization: `Bearer ${tenant.apiKey}` }, agent: false }, resolve)
        .on('error', reject);
    });
  /** One that was closed is counted until the process has heard of it. */
  async function opened(): Promise<http.IncomingMessage> {
    for (;;) {
      const response = await open();
      if (response.statusCode === 200) return response;
      response.destroy();
      await sleep(100);
    }
  }
  const residentMb = async (): Promise<number> => (await metricOf(api, 'process_resident_memory_bytes')) / MB;
  const connections = async (): Promise<string[]> => {
    const { rows } = await admin.query<{ state: string }>(
      `SELECT state FROM pg_stat_activity WHERE application_name = 'waypost-app'`,
    );
    return rows.map(({ state }) => state);
  };

  /** @returns lines, and the memory that was seen to be used meanwhile */
  async function read(response: http.IncomingMessage): Promise<{ lines: number; most: number }> {
    let lines = 0;
    let most = 0;
    let asked = 0;
    for await (const piece of response as AsyncIterable<Buffer>) {
      for (const byte of piece) if (byte === 10) lines++;
      if (performance.now() - asked < 200) continue;
      asked = performance.now();
      most = Math.max(most, await residentMb());
    }
    return { lines, most };
  }

  it(
    'take no more memory than a small one, whatever their size',
    async () => {
      const before = await residentMb();
      const seen: number[] = [];
      for (const format of ['ndjson', 'csv']) {
        const start = performance.now();
        const { lines, most } = await read(await open(format));
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        process.stdout.write(
          `Export: ${lines} lines of ${format} in ${seconds} s, resident ${before.toFixed()} MB before, ${most.toFixed()} MB at most\n`,
        );
        expect(lines).toBe(CLICKS + (format === 'csv' ? 1 : 0));
        seen.push(most);
      }
      expect(Math.max(...seen)).toBeLessThan(MOST_MB);
    },
    60_000 + CLICKS / 2,
  );

  it('give their connection back whoever reads slowly or leaves', async () => {
    const [slow, left] = await Promise.all([open(), open()]);
    for (const response of [slow, left]) await new Promise((resolve) => response.once('readable', resolve));
    left.destroy();
    await sleep(1_000);
    expect(await connections()).toEqual(['idle']);
    // With the only connection others are answered.
    expect((await tenant.get('/v1/links')).status).toBe(200);
    const grown = await residentMb();
    await sleep(1_000);
    expect(await residentMb()).toBeLessThan(grown + 10);
    slow.destroy();
    (await opened()).destroy();
  }, 60_000);

  it('are two of a tenant, and others are told to come later', async () => {
    const streams = [await opened(), await opened()];
    const third = await tenant.get('/v1/analytics/export?interval=7d');
    expect(third).toBeProblem(429, 'too_many_exports');
    expect(third.headers['retry-after']).toBe('10');
    for (const stream of streams) stream.destroy();
  }, 60_000);

  it('are cut off when the process stops, so that nobody takes them for whole, and go on elsewhere', async () => {
    const response = await opened();
    let text = '';
    response.on('data', (piece: Buffer) => {
      text += piece.toString();
      // Slowly: it would be through before the process is told.
      response.pause();
      setTimeout(() => response.resume(), 20);
    });
    const broken = new Promise<Error>((resolve) => response.once('error', resolve));
    await eventually(async () => text.length, (length) => length > 10_000); // prettier-ignore
    const start = performance.now();
    expect(await deployment.stop(api)).toBe(0);
    expect(performance.now() - start).toBeLessThan(15_000);
    expect((await broken).message).toBe('aborted');

    api = await deployment.start('api', api, { DRAIN_SECONDS: '0' });
    const lines = text.slice(0, text.lastIndexOf('\n')).split('\n').map((line) => JSON.parse(line) as { cursor: string }); // prettier-ignore
    const rest = await read(await open('ndjson', lines.at(-1)?.cursor));
    expect(lines.length + rest.lines).toBe(CLICKS);
  }, 120_000 + CLICKS / 2); // prettier-ignore
});
