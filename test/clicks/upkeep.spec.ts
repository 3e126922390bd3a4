import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Queue } from 'bullmq';
import type { Click } from '../../src/clicks/click.js';
import type { ClicksJob } from '../../src/clicks/clicks.jobs.js';
import { lookAtLedger } from '../../src/clicks/ledger-look.reader.js';
import type { Reconciliation } from '../../src/clicks/reconciliation.js';
import { newId } from '../../src/platform/ids.js';
import { Secrets } from '../../src/platform/secrets/secrets.js';
import { databaseUrl } from '../support/database.js';
import { clickOn, Ingest, linkUuid, rowsOf, sumsOf, tenantUuid } from '../support/ingest.js';
import { eventually, newTenant, operator, type Tenant, visit } from '../support/waypost.js';

const DAY_MS = 24 * 3600 * 1000;
const dayText = (time: number): string => new Date(time).toISOString().slice(0, 10);

describe('upkeep of clicks', () => {
  let ingest: Ingest;
  beforeAll(async () => {
    ingest = await Ingest.open();
  });
  afterAll(async () => {
    await ingest.close();
  });

  const auditOf = async (tenant: Tenant): Promise<Array<{ action: string; target_id: string }>> =>
    rowsOf(
      `SELECT action, target_id FROM audit_events WHERE tenant_id = $1 AND action LIKE '%clicks_erased' ORDER BY id`,
      [tenantUuid(tenant)],
    );

  it('erases the clicks of a deleted link, says so once, and leaves the others', async () => {
    const tenant = await newTenant();
    const [gone, kept] = await Promise.all([tenant.link(), tenant.link()]);
    await ingest.clicks.store([clickOn(tenant, gone), clickOn(tenant, gone), clickOn(tenant, kept)]);
    expect((await tenant.delete(`/v1/links/${gone.id}`)).status).toBe(204);
    // The shared worker has the same task, and may be first.
    await Promise.all([ingest.upkeep.erase(), ingest.clicks.store([clickOn(tenant, gone)])]);
    await eventually(
      () => auditOf(tenant),
      (events) => events.length > 0,
    );
    await ingest.upkeep.erase();
    expect(await auditOf(tenant)).toEqual([{ action: 'link.clicks_erased', target_id: gone.id }]);
    for (const table of ['clicks', 'click_rollups', 'link_stats']) {
      const left = await rowsOf<{ link_id: string }>(`SELECT link_id FROM ${table} WHERE tenant_id = $1`, [
        tenantUuid(tenant),
      ]);
      expect(left).toEqual([{ link_id: linkUuid(kept) }]);
    }
  });

  it('erases whatever waits in one run, however much', async () => {
    const tenant = await newTenant();
    await rowsOf(
      `INSERT INTO click_erasures (tenant_id, link_id, requested_at) SELECT $1, link, now() FROM unnest($2::uuid[]) AS link`,
      [tenantUuid(tenant), Array.from({ length: 150 }, newId)],
    );
    await ingest.upkeep.erase(Infinity);
    expect(await rowsOf(`SELECT FROM click_erasures WHERE tenant_id = $1`, [tenantUuid(tenant)])).toEqual([]);
    // The shared worker may have had a part in it: each is told once all the same.
    expect(await auditOf(tenant)).toHaveLength(150);
  }, 60_000);

  it('erases all that was counted of a deleted tenant when its links are cleared away', async () => {
    const tenant = await newTenant();
    const link = await tenant.link();
    await ingest.clicks.store([clickOn(tenant, link), clickOn(tenant, await tenant.link())]);
    expect((await operator.delete(`/v1/tenants/${tenant.tenantId}`)).status).toBe(204);
    await ingest.upkeep.erase();
    expect(await auditOf(tenant)).toEqual([]);
    const purged = `SELECT FROM tenants WHERE id = $1 AND purged_at IS NOT NULL`;
    await eventually(
      () => rowsOf(purged, [tenantUuid(tenant)]),
      (rows) => rows.length === 1,
      90,
    );
    await ingest.upkeep.erase();
    await eventually(
      () => auditOf(tenant),
      (events) => events.length === 1,
    );
    expect(await auditOf(tenant)).toEqual([{ action: 'tenant.clicks_erased', target_id: tenant.tenantId }]);
    const nothing = { clicks: 0, visitors: 0, bots: 0 };
    for (const sums of Object.values(await sumsOf(tenant))) expect(sums).toEqual(nothing);
  }, 120_000);

  it('destroys a salt two days after its day, and those seen under it; later clicks have no visitor', async () => {
    const tenant = await newTenant();
    const link = await tenant.link();
    const now = Date.now();
    await ingest.clicks.store([clickOn(tenant, link, { occurredAt: now })]);
    const seen = `SELECT FROM visitor_days WHERE tenant_id = $1`;
    const salted = `SELECT FROM visitor_salts WHERE day = $1`;
    const today = dayText(now);

    await ingest.upkeep.forgetVisitors(now + 2 * DAY_MS);
    expect(await rowsOf(seen, [tenantUuid(tenant)])).toHaveLength(1);
    expect(await rowsOf(salted, [today])).toHaveLength(1);

    await rowsOf(`INSERT INTO visitor_salts VALUES ($1, 'old'), ($2, 'kept') ON CONFLICT DO NOTHING`, [
      dayText(now - 3 * DAY_MS),
      dayText(now - 2 * DAY_MS),
    ]);
    await rowsOf(`INSERT INTO visitor_days VALUES ($1, $2, $3, 'someone'), ($1, $4, $3, 'someone')`, [
      tenantUuid(tenant),
      dayText(now - 3 * DAY_MS),
      linkUuid(link),
      dayText(now - 2 * DAY_MS),
    ]);
    await ingest.upkeep.forgetVisitors(now);
    expect(await rowsOf(salted, [dayText(now - 3 * DAY_MS)])).toEqual([]);
    expect(await rowsOf(salted, [dayText(now - 2 * DAY_MS)])).toHaveLength(1);
    expect(await rowsOf(seen, [tenantUuid(tenant)])).toHaveLength(2);

    await ingest.clicks.store([clickOn(tenant, link, { occurredAt: now - 3 * DAY_MS })]);
    expect(await rowsOf(seen, [tenantUuid(tenant)])).toHaveLength(2);
    expect(await rowsOf(salted, [dayText(now - 3 * DAY_MS)])).toEqual([]);
  });

  it('has one salt a day, however many ask for the first', async () => {
    const tenant = await newTenant();
    const link = await tenant.link();
    const yesterday = Date.now() - DAY_MS;
    const workers = await Promise.all(Array.from({ length: 4 }, () => Ingest.open()));
    await Promise.all(workers.map(({ clicks }) => clicks.store([clickOn(tenant, link, { occurredAt: yesterday })])));
    await Promise.all(workers.map(({ close }) => close()));
    expect(await rowsOf(`SELECT FROM visitor_salts WHERE day = $1`, [dayText(yesterday)])).toHaveLength(1);
  });

  it('drops months that are old enough, and no others', async () => {
    const months = async (): Promise<string[]> =>
      (
        await rowsOf<{ name: string }>(
          `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'clicks'::regclass ORDER BY 1`,
        )
      ).map(({ name }) => name);
    await rowsOf(`SELECT make_click_partitions('2020-01-01', 3)`);
    expect(await months()).toEqual(expect.arrayContaining(['clicks_2020_01', 'clicks_2020_02', 'clicks_2020_03']));
    const rest = (await months()).filter((name) => !name.includes('2020'));
    const keptFrom = (day: string): Promise<void> => ingest.upkeep.expire(Date.parse(day) + 365 * DAY_MS);
    await keptFrom('2020-02-29');
    expect((await months()).slice(0, 2)).toEqual(['clicks_2020_02', 'clicks_2020_03']);
    await keptFrom('2020-04-01');
    expect(await months()).toEqual(rest);
    await expect(rowsOf(`SELECT drop_click_partitions(now()::date)`)).rejects.toThrow(/today is always kept/);
  });

  it.each([
    ['behind', -2 * DAY_MS],
    ['ahead', 400 * DAY_MS],
  ])('destroys and drops nothing for its age while the clock is %s', async (_where, off) => {
    const tenant = await newTenant();
    const click = clickOn(tenant, await tenant.link());
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + off);
    try {
      for (const refused of [
        () => ingest.upkeep.expire(),
        () => ingest.upkeep.forgetVisitors(),
        () => ingest.clicks.store([click]),
      ]) {
        await expect(refused()).rejects.toThrow(/clocks of this process and of the database are \d+ s apart/);
      }
    } finally {
      clock.mockRestore();
    }
    expect(await ingest.clicks.store([click])).toEqual([]);
    expect((await sumsOf(tenant)).raw?.clicks).toBe(1);
  });

  it('deletes the older clicks of a tenant that keeps fewer days, and takes no more of them', async () => {
    const [tenant, other] = await Promise.all([newTenant(), newTenant()]);
    const links = await Promise.all([tenant.link(), other.link()]);
    const old = Date.now() - 4 * DAY_MS;
    const both = (occurredAt: number): Click[] => [
      clickOn(tenant, links[0], { occurredAt }),
      clickOn(other, links[1], { occurredAt }),
    ];
    await ingest.clicks.store([...both(old), ...both(Date.now())]);
    const changed = await operator.patch<{ clickRetentionDays: number }>(`/v1/tenants/${tenant.tenantId}`, {
      clickRetentionDays: 3,
    });
    expect(changed.body).toMatchObject({ clickRetentionDays: 3 });
    await ingest.upkeep.expire();
    const count = async (one: Tenant): Promise<number | undefined> => (await sumsOf(one)).raw?.clicks;
    expect([await count(tenant), await count(other)]).toEqual([1, 2]);
    await ingest.clicks.store(both(old).map((click) => ({ ...click, id: newId() })));
    expect([await count(tenant), await count(other)]).toEqual([1, 3]);
    // What was counted stays counted.
    expect((await sumsOf(tenant)).byTenant?.clicks).toBe(2);
  });
});

describe('a look at the ledger', () => {
  const applicationName = 'test-look-at-ledger';
  /** @param meanwhile happens between the database's first statement and its next */
  const look = (connectionString: string, meanwhile: () => Promise<unknown>): Promise<Reconciliation> =>
    lookAtLedger({
      connectionString,
      applicationName,
      queue: { getRanges: () => meanwhile().then(() => []) } as unknown as Queue<ClicksJob>,
      secrets: new Secrets(Buffer.alloc(32, 1)),
      folders: [],
      days: 1,
      longestStatementMs: 60_000,
    });

  it('fails, and no more than that, where the database goes while nothing is asked of it', async () => {
    const restart = async (): Promise<void> => {
      await rowsOf(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, [
        applicationName,
      ]);
      await sleep(500);
    };
    await expect(look(await databaseUrl('waypost_ingest'), restart)).rejects.toThrow(/not queryable/);
  });

  it('does not wait for a database that says nothing', async () => {
    const silent = net.createServer();
    const connected = new Set<net.Socket>();
    silent.on('connection', (socket) => connected.add(socket.on('error', () => undefined)));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    await expect(look(`postgres://nobody@127.0.0.1:${port}/none`, async () => undefined)).rejects.toThrow(/timeout/);
    for (const socket of connected) socket.destroy();
    silent.close();
  });
});

describe('the database', () => {
  it('has the address of no visitor, in no column', async () => {
    const tenant = await newTenant();
    const link = await tenant.link();
    const key = link.shortLink.slice(link.shortLink.lastIndexOf('/'));
    expect((await visit(tenant.domain, key)).status).toBe(302);
    await eventually(
      () => tenant.get<{ clicks: number }>(`/v1/links/${link.id}`),
      ({ body }) => body.clicks === 1,
      30,
    );
    // Networks and servers that tenants themselves wrote into rules, the trail of these, and the networks that callers of the
    // API come from are no visitors'.
    const columns = await rowsOf<{ place: string; found: string }>(`
      SELECT c.oid::regclass || '.' || attname AS place,
             format('SELECT count(*)::int AS n FROM %s WHERE %I::text ~ $1', c.oid::regclass, attname) AS found
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND (c.relname, attname) NOT IN (('audit_events', 'before'), ('audit_events', 'after'),
          ('audit_events', 'address_prefix'), ('destination_policies', 'policy'), ('identity_providers', 'issuer'))`);
    expect(columns.length).toBeGreaterThan(100);
    for (const { place, found } of columns) {
      // As text, and as the hexadecimal digits of the text; the tests' own addresses and those of this machine.
      const [row] = await rowsOf<{ n: number }>(found, [
        String.raw`\m(127\.0\.0\.1|203\.0\.113\.\d+|198\.51\.100\.\d+)\M|3132372e302e302e31|3230332e302e3131332e`,
      ]);
      expect({ place, found: row?.n }).toEqual({ place, found: 0 });
    }
  }, 60_000);
});
