import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { TypeID } from 'typeid-js';
import { AnalyticsRepository } from '../../src/analytics/analytics.repository.js';
import { type LivePosition, LiveRepository } from '../../src/analytics/live.repository.js';
import type { ClickFilter } from '../../src/analytics/question.js';
import { newId, NIL_UUID } from '../../src/platform/ids.js';
import { appTransaction } from '../support/app-transaction.js';
import { databaseUrl } from '../support/database.js';
import {
  eventually,
  type LinkBody,
  newTenant,
  type ProblemBody,
  type Tenant,
  underTest,
  visit,
} from '../support/waypost.js';

interface Stream {
  /** Of the clicks so far. */
  clicks: Array<{ linkId: string; country: string | null; id: string }>;
  ids: string[];
  lastId: () => string;
  ended: Promise<void>;
  close: () => void;
}

const open: Stream[] = [];
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

/** Resolves when the stream has begun. */
async function listen(tenant: Tenant, query: Record<string, string> = {}, lastEventId?: string): Promise<Stream> {
  const url = `${underTest.apiUrl}/v1/analytics/live?${new URLSearchParams(query)}`;
  const headers = {
    authorization: `Bearer ${tenant.apiKey}`,
    ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
  };
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(url, { headers, agent: false }, resolve).on('error', reject);
  });
  expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const clicks: Stream['clicks'] = [];
  const ids: string[] = [];
  let last = '';
  let text = '';
  response.on('data', (piece: Buffer) => {
    const messages = (text + piece.toString()).split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      last = /^id: (.+)$/m.exec(message)?.[1] ?? last;
      const data = /^data: (.+)$/m.exec(message)?.[1];
      if (data === undefined) continue;
      clicks.push(JSON.parse(data) as Stream['clicks'][number]);
      ids.push(last);
    }
  });
  const ended = new Promise<void>((resolve) => response.once('close', resolve));
  response.on('error', () => undefined); // closed by ourselves
  const stream = { clicks, ids, lastId: () => last, ended, close: () => response.destroy() };
  open.push(stream);
  await eventually(async () => last, (id) => id !== ''); // prettier-ignore
  return stream;
}

const uuid = (id: string): string => TypeID.fromString(id).toUUID();

let tenant: Tenant;
let link: LinkBody;
beforeAll(async () => {
  tenant = await newTenant();
  link = await tenant.link();
});

/** Stores a click within the connection's transaction, if it has one. */
const store = (client: pg.Client, country: string, at = new Date()): Promise<unknown> =>
  client.query(
    `INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, country) VALUES ($1, $2, $3, $4, $5, $6)`,
    [uuid(tenant.tenantId), newId(), uuid(link.id), uuid(tenant.domainId), at, country],
  );

/** Clicks of these countries in this order, stored by one transaction. */
async function storeMany(own: Tenant, countries: string[]): Promise<void> {
  const { id } = await own.link();
  const ids = countries.map(() => newId()).toSorted();
  await connected(async (client) => {
    await client.query(
      `INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, country)
       SELECT $1, click.id, $2, $3, now(), click.country FROM unnest($4::uuid[], $5::text[]) AS click (id, country)`,
      [uuid(own.tenantId), uuid(id), uuid(own.domainId), ids, countries],
    );
  });
}

async function connected(work: (...clients: [pg.Client, pg.Client]) => Promise<void>): Promise<void> {
  const connectionString = await databaseUrl('postgres');
  const clients: [pg.Client, pg.Client] = [new pg.Client({ connectionString }), new pg.Client({ connectionString })];
  for (const client of clients) await client.connect();
  try {
    await work(...clients);
  } finally {
    for (const client of clients) await client.end();
  }
}

const seen = (stream: Stream, count: number): Promise<unknown> =>
  eventually(
    async () => stream.clicks.length,
    (length) => length >= count,
    20,
  );
const countries = ({ clicks }: Stream) => clicks.map(({ country }) => country);

describe('the live stream', () => {
  it("has the tenant's visits, and nobody else's", async () => {
    const other = await newTenant();
    const theirs = await other.link();
    const stream = await listen(tenant);
    expect((await visit(other.domain, `/${theirs.key}`)).status).toBe(302);
    expect((await visit(tenant.domain, `/${link.key}`)).status).toBe(302);
    await seen(stream, 1);
    await sleep(1_500);
    expect(stream.clicks.map(({ linkId }) => linkId)).toEqual([link.id]);
    expect(stream.clicks[0]?.id).toMatch(/^clk_/);
  }, 60_000);

  it('leaves no click out whose transaction ends after one that began later', async () => {
    const stream = await listen(tenant);
    await connected(async (slow, quick) => {
      await slow.query('BEGIN');
      await store(slow, 'AA');
      await store(quick, 'BB');
      await sleep(2_500);
      await slow.query('COMMIT');
      await seen(stream, 2);
      expect(countries(stream)).toEqual(['AA', 'BB']);
    });
  }, 60_000);

  it('goes on where an earlier one ended, after any of its events, with late clicks', async () => {
    const stream = await listen(tenant);
    const start = stream.lastId();
    await connected(async (client) => {
      await store(client, 'CC');
      await store(client, 'DD', new Date(Date.now() - 86_400_000));
      await seen(stream, 2);
      stream.close();
      await store(client, 'EE', new Date(Date.now() - 3_600_000));
      const [first, second] = stream.ids;
      for (const [id, expected] of [
        [start, ['CC', 'DD', 'EE']],
        [first, ['DD', 'EE']],
        [second, ['EE']],
      ] as Array<[string, string[]]>) {
        const again = await listen(tenant, {}, id);
        await seen(again, expected.length);
        expect(countries(again)).toEqual(expected);
      }
    });
  }, 60_000);

  it('takes filters', async () => {
    const stream = await listen(tenant, { country: 'GG', linkId: link.id });
    await connected(async (client) => {
      await store(client, 'FF');
      await store(client, 'GG');
    });
    await seen(stream, 1);
    expect(countries(stream)).toEqual(['GG']);
  }, 60_000);

  it('looks at so many clicks at a time, whatever its filter leaves out', async () => {
    const own = await newTenant();
    await storeMany(own, [...Array.from({ length: 7 }, () => 'NN'), 'YY']);
    const clicks = new LiveRepository(new AnalyticsRepository());
    await appTransaction(async ({ manager }) => {
      const tx = { tenantId: uuid(own.tenantId), manager };
      await manager.query(`SET LOCAL app.tenant_id = '${tx.tenantId}'`);
      const after = (position: LivePosition, dimensions: ClickFilter['dimensions'], look: number) =>
        clicks.after(tx, position, { filter: { dimensions }, bots: false }, { matches: 10, clicks: look });
      const start = { ingested: '0', id: NIL_UUID };
      // A transaction of another test may still be under way that began before.
      await eventually(
        () => after(start, {}, 10),
        ({ rows }) => rows.length === 8,
        30,
      );
      const found: string[][] = [];
      for (let at: LivePosition | undefined = start; at;) {
        const { rows, reached } = await after(at, { country: { include: ['YY'], exclude: [] } }, 3);
        found.push(rows.map(({ country }) => country ?? ''));
        at = reached;
      }
      expect(found).toEqual([[], [], ['YY']]);
    });
  }, 60_000);

  it('comes through many clicks that its filter leaves out', async () => {
    const own = await newTenant();
    const before = await listen(own, { country: 'YY' });
    before.close();
    await storeMany(own, [...Array.from({ length: 20_500 }, () => 'NN'), 'YY']);
    const stream = await listen(own, { country: 'YY' }, before.lastId());
    await seen(stream, 1);
    expect(countries(stream)).toEqual(['YY']);
  }, 60_000);

  it('takes no id that it has not given to this tenant', async () => {
    const stream = await listen(tenant);
    const headers = { 'last-event-id': stream.lastId() };
    const other = await newTenant();
    expect(await other.get<ProblemBody>('/v1/analytics/live', { headers })).toBeProblem(422, 'invalid_input');
    expect(await tenant.get('/v1/analytics/live?country=DE', { headers })).toBeProblem(422, 'invalid_input');
  });

  it('is given to ten of a tenant, and again to others when these have gone', async () => {
    const own = await newTenant();
    const streams: Stream[] = [];
    for (let n = 0; n < 10; n++) streams.push(await listen(own));
    expect(await own.get('/v1/analytics/live')).toBeProblem(429, 'too_many_listeners');
    streams[0]?.close();
    await sleep(2_500);
    await listen(own);
  }, 60_000);

  it('is over at once where only its headers are asked for, as an export is', async () => {
    const own = await newTenant();
    for (const path of ['/v1/analytics/live', '/v1/analytics/export', '/v1/audit-events/export']) {
      for (let n = 0; n < 12; n++) expect([path, (await own.ask('HEAD', path)).status]).toEqual([path, 200]);
    }
    for (let n = 0; n < 10; n++) await listen(own);
  }, 60_000);

  it('is over where somebody hangs up before it has begun', async () => {
    const own = await newTenant();
    const { hostname, port } = new URL(underTest.apiUrl);
    for (let n = 0; n < 40; n++) {
      const socket = net.connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(`GET /v1/analytics/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${own.apiKey}\r\n\r\n`, () =>
        setTimeout(() => socket.resetAndDestroy(), n % 8),
      );
      await once(socket, 'close');
    }
    await sleep(2_500);
    const streams: Stream[] = [];
    for (let n = 0; n < 10; n++) streams.push(await listen(own));
    expect(streams).toHaveLength(10);
  }, 60_000);

  it('ends within a minute when its key is revoked', async () => {
    const own = await newTenant();
    const { body } = await own.post<{ id: string; apiKey: string }>('/v1/api-keys', { name: 'live' });
    const key = body.apiKey ?? (body as unknown as { secret: string }).secret;
    const stream = await listen(Object.assign(Object.create(own) as Tenant, { apiKey: key }));
    expect((await own.delete(`/v1/api-keys/${body.id}`)).status).toBe(204);
    const start = Date.now();
    await stream.ended;
    expect(Date.now() - start).toBeLessThan(60_000);
  }, 90_000);
});
