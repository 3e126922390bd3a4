import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FF1 } from '@noble/ciphers/ff1.js';
import pg from 'pg';
import { newId } from '../../src/platform/ids.js';
import { Secrets } from '../../src/platform/secrets/secrets.js';
import { verification, whenChained } from '../support/audit.js';
import { followed, Segments, segmentOf, uuidOf } from '../support/click-segments.js';
import { clicksOf, type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { eventually, type LinkBody, type PageBody, request } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const NO_LINK = '00000000-0000-7000-8000-000000000000';
const url = 'https://example.com/';
const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };

interface LetterBody {
  id: string;
  click: object | null;
}

describe('another SECRET_KEY', () => {
  const newKey = randomBytes(32).toString('base64');
  let deployment: Deployment;
  let api: RoleProcess;
  let worker: RoleProcess;
  let tenant: Customer;
  let oldKey: string;
  let links: LinkBody[];
  let cursor: string;
  let letter: LetterBody;
  /** By the worker that ran under the key before. */
  let said: string;

  beforeAll(async () => {
    deployment = await Deployment.open(16);
    oldKey = deployment.env.SECRET_KEY ?? '';
  }, 120_000);
  afterAll(async () => void (await deployment?.close()), 120_000);

  /** The number that a generated code stands for, by the key of the first day. */
  function numberOf({ key: code }: LinkBody): number {
    const key = new Secrets(Buffer.from(oldKey, 'base64')).key('short-code');
    const tweak = Buffer.from(uuidOf(tenant.domainId).replaceAll('-', ''), 'hex');
    const digits = FF1(62, key, tweak).decrypt([...code].map((character) => BASE62.indexOf(character)));
    return digits.reduce((value, digit) => value * 62 + digit, 0);
  }

  /** The api and the worker anew, with these keys. */
  async function restart(keys: Record<string, string>): Promise<void> {
    const before = [api, worker];
    for (const role of before) await deployment.stop(role);
    api = await deployment.start('api', before[0], keys);
    worker = await deployment.start('worker', before[1], keys);
  }

  const idempotent = () => tenant.post<LinkBody>('/v1/links', { url, title: 'Once' }, { 'idempotency-key': 'once' });
  const openLetter = () => deployment.operator.get<LetterBody>(`/v1/ops/dead-letters/${letter.id}`);

  it('begins with a chain that takes in the events of before there was one', async () => {
    const [own, id] = [newId(), newId()];
    const client = new pg.Client({ connectionString: deployment.postgres.adminUrl.replace(/\/[^/]*$/, '/waypost') });
    await client.connect();
    // As the migration leaves them: without a code, and noted.
    await client.query(
      `INSERT INTO tenants (id, name, slug, created_at, updated_at) VALUES ('${own}', 'Old', 'old', now(), now());
       INSERT INTO audit_events (tenant_id, id, action, actor, target_type, target_id, request_id, occurred_at)
       VALUES ('${own}', '${id}', 'tenant.created', 'platform', 'tenant', 'tnt_old', 'r', now());
       INSERT INTO audit_pending (tenant_id, event_id) VALUES ('${own}', '${id}')`,
    );
    api = await deployment.start('api');
    worker = await deployment.start('worker');
    const chain = await eventually(
      async () =>
        (await client.query('SELECT seq, event_id, adopted FROM audit_chain WHERE tenant_id = $1', [own])).rows,
      (rows) => rows.length > 0,
      30,
    );
    await client.end();
    expect(chain).toEqual([{ seq: '1', event_id: id, adopted: true }]);
  }, 120_000);

  it('finds what was written under the one before', async () => {
    tenant = await deployment.newTenant();
    links = [await tenant.link(), await tenant.link(), await tenant.link()];
    await idempotent();
    const page = await tenant.get<PageBody<LinkBody>>('/v1/links?limit=1');
    cursor = String(page.body.nextCursor);

    const segments = Segments.of({
      databaseUrl: deployment.env.DATABASE_INGEST_URL ?? '',
      redisUrl: deployment.env.REDIS_URL,
      secretKey: oldKey,
    });
    const nobodys = { tenantId: 'nobody', domainId: 'nowhere', linkId: NO_LINK };
    await segments.deliver(segmentOf(segments.secretKey, [nobodys]));
    const letters = await eventually(
      async () => (await deployment.operator.get<PageBody<LetterBody>>('/v1/ops/dead-letters')).body.data,
      (found) => found.length === 1,
      30,
    );
    letter = letters[0] as LetterBody;

    // Two clicks that the worker has not seen when it gets the new key: from a visitor, and in the queue.
    await whenChained(tenant);
    await deployment.stop(worker);
    said = worker.process.output();
    const redirect = await deployment.start('redirect');
    const visited = await request('GET', `http://127.0.0.1:${redirect.port}/${links[0]?.key}`, {
      headers: { host: tenant.domain, ...BROWSER },
    });
    expect(visited.status).toBe(302);
    await deployment.stop(redirect);
    await segments.deliver(segmentOf(segments.secretKey, [followed(tenant, links[0] as LinkBody)]));
    await segments.close();
    worker = await deployment.start('worker', worker);
  }, 120_000);

  it('reads all of it while the one before is named', async () => {
    await restart({ SECRET_KEY: newKey, SECRET_KEY_PREVIOUS: oldKey });
    await eventually(
      () => clicksOf(tenant, links[0]?.id ?? ''),
      (clicks) => clicks === 2,
      30,
    );
    expect((await idempotent()).headers['idempotency-replayed']).toBe('true');
    expect((await tenant.get(`/v1/links?limit=1&cursor=${cursor}`)).status).toBe(200);
    expect((await openLetter()).body.click).toMatchObject({ linkId: NO_LINK });

    await whenChained(tenant);
    expect(await verification(tenant)).toMatchObject({ intact: true });
    // What the worker said under the key before is a checkpoint still.
    const checkpoints = said.split('\n').filter((line) => line.includes(`"${uuidOf(tenant.tenantId)}"`));
    const { checkpoint } = JSON.parse(checkpoints.find((line) => line.includes('Audit checkpoint')) ?? '{}') as {
      checkpoint: string;
    };
    expect(await verification(tenant, `?checkpoint=${checkpoint}`)).toMatchObject({ intact: true });
  }, 120_000);

  it('goes on with the codes where they were', async () => {
    const numbers = [...links, await tenant.link()].map(numberOf);
    expect(Math.max(...numbers) - Math.min(...numbers)).toBeLessThan(100_000);
  });

  it('needs the one before no more when everything is sealed anew', async () => {
    const env = { ...deployment.env, SECRET_KEY: newKey, SECRET_KEY_PREVIOUS: oldKey };
    const rotation = spawnWaypost(env, 'dist/waypost.js rotate-keys');
    expect(await rotation.exited).toBe(0);
    expect(rotation.output()).toMatch(/^Sealed under SECRET_KEY [0-9a-f]{8}: 2 kept keys, 1 dead letters/m);

    await restart({ SECRET_KEY: newKey });
    expect((await openLetter()).body.click).toMatchObject({ linkId: NO_LINK });
    links.push(await tenant.link());
    const numbers = links.map(numberOf);
    expect(Math.max(...numbers) - Math.min(...numbers)).toBeLessThan(100_000);
    await whenChained(tenant);
    expect(await verification(tenant)).toMatchObject({ intact: true });
    // What lives for a day or an hour is not sealed anew.
    expect(await tenant.get(`/v1/links?limit=1&cursor=${cursor}`)).toMatchObject({ status: 422 });
  }, 120_000);

  it('is refused by a database that does not know it', async () => {
    await deployment.stop(api);
    const stranger = spawnWaypost({
      ...deployment.env,
      ...api.ports,
      APP_ROLE: 'api',
      SECRET_KEY: randomBytes(32).toString('base64'),
    });
    expect(await stranger.exited).toBe(1);
    expect(stranger.output()).toContain('SECRET_KEY: is not the one this database was used with');
    api = await deployment.start('api', api, { SECRET_KEY: newKey });
    expect((await tenant.get('/v1/tenant')).status).toBe(200);
  }, 120_000);
});
