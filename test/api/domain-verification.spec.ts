import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { databaseUrl } from '../support/database.js';
import { type DnsServer, startDnsServer } from '../support/dns-server.js';
import { type DomainBody, newDomain } from '../support/domains.js';
import {
  type Credentials,
  freePorts,
  removeData,
  spawnWaypost,
  type WaypostProcess,
  whenStarted,
} from '../support/waypost-process.js';
import { Caller, eventually, request, unique } from '../support/waypost.js';

let dns: DnsServer;
let waypost: WaypostProcess;
let dataDir: string;
let credentials: Credentials;
let tenant: Caller;

// A Waypost of its own, which asks the test's DNS server.
beforeAll(async () => {
  dns = await startDnsServer();
  dataDir = await mkdtemp(join(tmpdir(), 'waypost-dns-'));
  const ports = await freePorts();
  waypost = spawnWaypost({ ...ports, DATA_DIR: dataDir, DNS_SERVERS: dns.address, LOG_LEVEL: 'warn' });
  credentials = await whenStarted(waypost, dataDir);
  tenant = new Caller(credentials.apiKey, credentials.apiUrl);
}, 120_000);

afterAll(async () => {
  waypost.child.kill('SIGTERM');
  expect(await waypost.exited).toBe(0);
  dns.close();
  await removeData(dataDir);
});

/** A domain that nobody has proved to own yet, with a link on it. */
async function unverified(): Promise<{ domain: DomainBody; status: () => Promise<number> }> {
  const domain = await newDomain(tenant, { hostname: `${unique()}.example` });
  const link = await tenant.link({ domain: domain.hostname });
  const address = `${credentials.redirectUrl}/${link.key}`;
  return { domain, status: async () => (await request('GET', address, { headers: { host: domain.hostname } })).status };
}

const publish = ({ verification }: DomainBody, records: string[][] | 'silent'): unknown =>
  dns.records.set(verification.name, records);

async function verify({ id }: DomainBody): Promise<DomainBody> {
  const { status, body } = await tenant.post<DomainBody>(`/v1/domains/${id}/verify`);
  expect(status).toBe(200);
  return body;
}

describe('verification of a domain', () => {
  it('lets links redirect once the TXT record is there', async () => {
    const { domain, status } = await unverified();
    expect(domain).toMatchObject({ verified: false, verification: { name: `_waypost.${domain.hostname}` } });
    expect(await status()).toBe(404);

    publish(domain, [['v=spf1 -all'], [domain.verification.value]]);
    const verified = await verify(domain);
    expect(verified).toMatchObject({ verified: true, checkError: null, verification: domain.verification });
    expect(verified.checkedAt).toBe(verified.verifiedAt);
    await eventually(status, (seen) => seen === 302, 2);
    expect((await tenant.get<DomainBody>(`/v1/domains/${domain.id}`)).body).toEqual(verified);
  });

  it('reads a record that DNS gives in parts', async () => {
    const { domain } = await unverified();
    const { value } = domain.verification;
    publish(domain, [[value.slice(0, 10), value.slice(10)]]);
    expect((await verify(domain)).verified).toBe(true);
  });

  it.each<[string, (domain: DomainBody) => string[][] | undefined, RegExp]>([
    ['no record', () => undefined, /There is no TXT record _waypost\./],
    ['an empty answer', () => [], /There is no TXT record _waypost\./],
    ['a wrong record', () => [['waypost-verify=wrong']], /does not have the value/],
    ['more than the record', ({ verification }) => [[`${verification.value}x`]], /does not have the value/],
    ["another's record", () => [['waypost-verify=AAAAAAAAAAAAAAAAAAAAAA']], /does not have the value/],
  ])('is refused for %s', async (_name, records, reason) => {
    const { domain, status } = await unverified();
    const published = records(domain);
    if (published) publish(domain, published);
    const checked = await verify(domain);
    expect(checked).toMatchObject({ verified: false, verifiedAt: null, checkError: expect.stringMatching(reason) });
    expect(checked.checkedAt).not.toBeNull();
    expect(await status()).toBe(404);
  });

  it('says so when DNS is silent, and does not wait for long', async () => {
    const { domain, status } = await unverified();
    publish(domain, 'silent');
    const asked = Date.now();
    expect(await verify(domain)).toMatchObject({
      verified: false,
      checkError: expect.stringMatching(/DNS did not answer/),
    });
    expect(Date.now() - asked).toBeLessThan(10_000);
    expect(await status()).toBe(404);
  });

  it('keeps nobody from the database meanwhile, however many ask with an Idempotency-Key', async () => {
    const { domain } = await unverified();
    publish(domain, 'silent');
    // More than the API has connections.
    const checks = Array.from({ length: 15 }, () =>
      tenant.post<DomainBody>(`/v1/domains/${domain.id}/verify`, undefined, { 'idempotency-key': unique() }),
    );
    await sleep(500);
    const asked = Date.now();
    expect((await tenant.get('/v1/tenant')).status).toBe(200);
    expect(Date.now() - asked).toBeLessThan(1_000);
    expect(new Set((await Promise.all(checks)).map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('outlives a silent DNS, and a vanished record for a time of grace', async () => {
    const { domain, status } = await unverified();
    publish(domain, [[domain.verification.value]]);
    const { verifiedAt } = await verify(domain);

    publish(domain, 'silent');
    expect(await verify(domain)).toMatchObject({ verified: true, verifiedAt, checkError: expect.any(String) });
    expect(await failingSince(domain)).toBeNull();

    publish(domain, []);
    expect(await verify(domain)).toMatchObject({ verified: true, verifiedAt, checkError: expect.any(String) });
    const since = await failingSince(domain);
    expect(since).not.toBeNull();
    await verify(domain);
    expect(await failingSince(domain)).toEqual(since);
    expect(await status()).toBe(302);

    publish(domain, [[domain.verification.value]]);
    expect(await verify(domain)).toMatchObject({ verified: true, verifiedAt, checkError: null });
    expect(await failingSince(domain)).toBeNull();
  });

  it('ends when the record is missing for longer, and comes back with it', async () => {
    const { domain, status } = await unverified();
    publish(domain, [[domain.verification.value]]);
    await verify(domain);
    publish(domain, []);
    await verify(domain);
    await inDatabase(`UPDATE domains SET failing_since = now() - interval '73 hours' WHERE hostname = $1`, domain);

    expect(await verify(domain)).toMatchObject({ verified: false, verifiedAt: null });
    await eventually(status, (seen) => seen === 404, 2);

    publish(domain, [[domain.verification.value]]);
    expect((await verify(domain)).verified).toBe(true);
    await eventually(status, (seen) => seen === 302, 2);
  });

  it('stands in the audit trail when it changes, and only then', async () => {
    const { domain } = await unverified();
    await verify(domain);
    publish(domain, [[domain.verification.value]]);
    await verify(domain);
    await verify(domain);
    const { body } = await tenant.get<{
      data: Array<{ action: string; before: DomainBody | null; after: DomainBody }>;
    }>(`/v1/audit-events?target=${domain.id}`);
    expect(body.data.map(({ action }) => action)).toEqual(['domain.verification_changed', 'domain.created']);
    expect(body.data[0]).toMatchObject({ before: { verified: false }, after: { verified: true } });
  });
});

async function inDatabase<Row extends pg.QueryResultRow>(sql: string, { hostname }: DomainBody): Promise<Row[]> {
  const client = new pg.Client({ connectionString: await databaseUrl('postgres', dataDir) });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [hostname])).rows;
  } finally {
    await client.end();
  }
}

async function failingSince(domain: DomainBody): Promise<Date | null | undefined> {
  const sql = 'SELECT failing_since FROM domains WHERE hostname = $1';
  return (await inDatabase<{ failing_since: Date | null }>(sql, domain))[0]?.failing_since;
}
