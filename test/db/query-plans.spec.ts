import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource, type Logger } from 'typeorm';
import { AnalyticsRepository } from '../../src/analytics/analytics.repository.js';
import { GROUPINGS } from '../../src/analytics/dimensions.js';
import type { ClickFilter, Question } from '../../src/analytics/question.js';
import { statementOf } from '../../src/analytics/question-sql.js';
import { slicesOf } from '../../src/analytics/slices.js';
import { AuditRepository } from '../../src/audit/audit.repository.js';
import { ClickErasuresRecorder } from '../../src/clicks/click-erasures.recorder.js';
import { ClickExpiryRepository } from '../../src/clicks/click-expiry.repository.js';
import { ClicksRepository } from '../../src/clicks/clicks.repository.js';
import type { DomainEntity } from '../../src/domains/domain.entity.js';
import { DomainsRepository } from '../../src/domains/domains.repository.js';
import type { ApiKeyEntity } from '../../src/identity/api-key.entity.js';
import { ApiKeysRepository, knownKey } from '../../src/identity/api-keys.repository.js';
import type { LinkEntity } from '../../src/links/link.entity.js';
import { LinksRepository } from '../../src/links/links.repository.js';
import type { Tx } from '../../src/platform/context/context.js';
import { IngestDatabase } from '../../src/platform/database/ingest-database.js';
import { ResolverDatabase } from '../../src/platform/database/resolver-database.js';
import { Transactions } from '../../src/platform/database/transactions.js';
import { newId } from '../../src/platform/ids.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { IdempotencyRepository } from '../../src/platform/idempotency/idempotency.repository.js';
import type { DomainTarget } from '../../src/redirects/redirect-target.js';
import { RedirectTargetsRepository } from '../../src/redirects/redirect-targets.repository.js';
import { APP_ENTITIES } from '../../src/roles/entities.js';
import { TenantsRepository } from '../../src/tenants/tenants.repository.js';
import { asRole, databaseUrl } from '../support/database.js';

const one = (value: string) => ({ include: [value], exclude: [] });
const other = (value: string) => ({ include: [], exclude: [value] });
const FILTERS: ClickFilter[] = [
  { dimensions: {} },
  { dimensions: { country: one('DE') } },
  { dimensions: { country: other('DE'), device: one('mobile') }, tags: one('t') },
  { dimensions: {}, links: one(newId()) },
  { dimensions: {}, domains: one(newId()), tags: other('t') },
];

function questionOf(given: Pick<Question, 'groupBy' | 'filter'> & { from?: string; to?: string }): Question {
  const to = new Date(given.to ?? Date.now());
  const from = new Date(given.from ?? to.getTime() - 30 * 86_400_000);
  const slices = given.groupBy === 'timeseries' ? slicesOf(from, to, 'day', 'Europe/Berlin') : [];
  return { event: 'clicks', bots: false, limit: 100, open: false, ...given, from, to, slices };
}

type Plan = Record<string, unknown>;
type Statement = { sql: string; parameters: unknown[] };

/** Keeps what TypeORM sends. */
class Recorder implements Logger {
  readonly statements: Statement[] = [];
  logQuery(sql: string, parameters: unknown[] = []): void {
    if (/^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/i.test(sql)) this.statements.push({ sql, parameters });
  }
  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

/** All tables and partitions that a plan reads or changes. */
function relations(plan: Plan): string[] {
  const own = typeof plan['Relation Name'] === 'string' ? [plan['Relation Name']] : [];
  return [...own, ...((plan.Plans as Plan[] | undefined) ?? []).flatMap(relations)];
}

/** `links_p03` → `links`; undefined for what is no partition. */
const partitioned = (relation: string): string | undefined => /^(.+?)(?:_\d{4}_\d{2})?_p\d{2}$/.exec(relation)?.[1];

/** Tables of which a plan touches more than one hash partition, with those. */
function spread(plan: Plan): Record<string, string[]> {
  const touched = Map.groupBy(new Set(relations(plan)), (relation) => partitioned(relation) ?? '');
  touched.delete('');
  const hashes = (partitions: string[]): number => new Set(partitions.map((name) => name.slice(-'p00'.length))).size;
  return Object.fromEntries([...touched].filter(([, partitions]) => hashes(partitions) > 1));
}

describe('query plans', () => {
  const recorder = new Recorder();
  let app: DataSource;
  let tx: Tx;

  beforeAll(async () => {
    const url = await databaseUrl('waypost_app');
    app = await new DataSource({
      type: 'postgres',
      url,
      entities: APP_ENTITIES,
      logging: true,
      logger: recorder,
    }).initialize();
    const runner = app.createQueryRunner();
    tx = { tenantId: newId(), manager: runner.manager };
    await runner.startTransaction();
    await runner.query(`SET LOCAL app.tenant_id = '${tx.tenantId}'`);
    await runner.query(`SET LOCAL app.platform = 'on'`);
  });
  afterAll(async () => {
    await tx.manager.queryRunner?.rollbackTransaction();
    await tx.manager.queryRunner?.release();
    await app.destroy();
  });

  /** Calls every method of a repository; a method that this table forgets fails the test. */
  async function callEach<T extends object>(
    repository: T,
    calls: { [M in keyof T]: (self: T) => Promise<unknown> },
  ): Promise<Statement[]> {
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(repository)).filter(
      (name) => name !== 'constructor',
    );
    const called = new Set<string>();
    const watched = new Proxy(repository, {
      get(target, name, receiver) {
        called.add(String(name));
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    const from = recorder.statements.length;
    for (const call of Object.values(calls) as Array<(self: T) => Promise<unknown>>) {
      await tx.manager.query('SAVEPOINT call');
      await call(watched).catch((error: Error) => {
        // Nothing is there to be found or to refer to: what counts is the statement.
        if (!/not_found|foreign key|invalid_input/.test(error.message)) throw error;
      });
      await tx.manager.query('ROLLBACK TO SAVEPOINT call');
    }
    expect([...called].filter((name) => methods.includes(name)).sort()).toEqual([...methods].sort());
    return recorder.statements.slice(from);
  }

  async function explain({ sql, parameters }: Statement): Promise<Plan> {
    await tx.manager.query('SAVEPOINT plan');
    const [row] = (await tx.manager.query(`EXPLAIN (FORMAT JSON) ${sql}`, parameters)) as [
      { 'QUERY PLAN': [{ Plan: Record<string, unknown> }] },
    ];
    await tx.manager.query('ROLLBACK TO SAVEPOINT plan');
    return row['QUERY PLAN'][0].Plan;
  }

  async function expectOnePartition(statements: Statement[]): Promise<void> {
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      const touched = spread(await explain(statement));
      expect({ sql: statement.sql, touched }).toEqual({ sql: statement.sql, touched: {} });
    }
  }

  const id = newId();
  const now = new Date();

  it('sees it when a query touches several partitions', async () => {
    await asRole('postgres', async (client) => {
      const { rows } = await client.query('EXPLAIN (FORMAT JSON) SELECT FROM links WHERE id = $1', [id]);
      expect(spread((rows as [{ 'QUERY PLAN': [{ Plan: Plan }] }])[0]['QUERY PLAN'][0].Plan).links).toHaveLength(16);
    });
  });

  it('of links touch one hash partition', async () => {
    const link = { tenantId: tx.tenantId, id, domainId: id, key: 'k', url: 'u', redirectStatus: 302, forwardQuery: false, archived: false, createdBy: 'x', createdAt: now, updatedAt: now } as LinkEntity; // prettier-ignore
    const all = { search: 'x', tag: 't', archived: 'false', domainId: id } as const;
    const statements = await callEach(new LinksRepository(), {
      insert: (links) => links.insert(tx, link),
      setTags: (links) => links.setTags(tx, id, ['a', 'b']),
      addTags: (links) => links.addTags(tx, id, ['a']),
      lock: (links) => links.lock(tx, id),
      get: (links) => links.get(tx, id),
      getByKey: (links) => links.getByKey(tx, id, 'k'),
      list: async (links) => {
        await links.list(tx, { ...all, sort: 'created', order: 'desc' }, 10, [id]);
        await links.list(tx, { ...all, sort: 'clicks', order: 'asc' }, 10, [1, id]);
        await links.list(tx, { archived: 'all', sort: 'clicks', order: 'desc' }, 10, undefined);
      },
      update: (links) => links.update(tx, { id, domain: 'd', key: 'k' }, { title: 't' }),
      delete: (links) => links.delete(tx, id),
    });
    const details = await new LinksRepository()['withDetails'](tx, [link]).then(() => recorder.statements.slice(-1));
    await expectOnePartition([...statements, ...details]);
  });

  it('of domains touch one hash partition', async () => {
    const domain = { tenantId: tx.tenantId, id, hostname: 'plan.example', isPrimary: false, caseSensitive: true, codeLength: 7, verificationToken: 't', createdAt: now, updatedAt: now } as DomainEntity; // prettier-ignore
    const statements = await callEach(new DomainsRepository(), {
      insert: (domains) => domains.insert(tx, domain),
      lock: (domains) => domains.lock(tx, id),
      get: (domains) => domains.get(tx, id),
      findByHostname: (domains) => domains.findByHostname(tx, 'plan.example'),
      findPrimary: (domains) => domains.findPrimary(tx),
      list: (domains) => domains.list(tx, 10, id),
      update: (domains) => domains.update(tx, id, { rootUrl: null }),
      lockPrimary: (domains) => domains.lockPrimary(tx),
      findForLink: (domains) => domains.findForLink(tx, { hostname: 'plan.example' }),
      hasOthers: (domains) => domains.hasOthers(tx, id),
      hasLinks: (domains) => domains.hasLinks(tx, id),
      isShortDomain: (domains) => domains.isShortDomain(tx, 'plan.example'),
      delete: (domains) => domains.delete(tx, domain),
    });
    await expectOnePartition(statements);
  });

  it('of tenants and API keys touch one hash partition', async () => {
    const tenant = {
      id: newId(),
      name: 'Plan',
      slug: `plan-${id}`,
      suspendedAt: null,
      deletedAt: null,
      purgedAt: null,
      clickDetails: 'full' as const,
      clickRetentionDays: null,
      createdAt: now,
      updatedAt: now,
    };
    const tenants = await callEach(new TenantsRepository(), {
      insert: (repository) => repository.insert(tx, tenant),
      get: (repository) => repository.get(tx, id),
      lock: (repository) => repository.lock(tx, id),
      findBySlug: (repository) => repository.findBySlug(tx, 'plan'),
      list: (repository) => repository.list(tx, 10, id),
      update: (repository) => repository.update(tx, id, { name: 'Plan' }),
      purgeLinks: (repository) => repository.purgeLinks(tx),
      purgeRest: (repository) => repository.purgeRest(tx),
    });
    const key = { tenantId: tx.tenantId, id, name: 'n', hint: 'h', secretHash: Buffer.from('x'), scopes: [], expiresAt: null, lastUsedAt: null, createdBy: 'x', createdAt: now } as ApiKeyEntity; // prettier-ignore
    const keys = await callEach(new ApiKeysRepository(), {
      insert: (repository) => repository.insert(tx, key),
      findByHash: (repository) => repository.findByHash(new Transactions(app), tx.tenantId, Buffer.from('x')),
      get: (repository) => repository.get(tx, id),
      list: (repository) => repository.list(tx, 10, id),
      touch: (repository) => repository.touch(tx, id),
      delete: (repository) => repository.delete(tx, id),
    });
    const literal = { sql: knownKey(tx.tenantId, Buffer.from('x')), parameters: [] };
    await expectOnePartition([...tenants, ...keys, literal]);
  });

  it('of the audit trail, of idempotency and of analytics touch one hash partition', async () => {
    const audit = await callEach(new AuditRepository(), {
      list: (repository) => repository.list(tx, { limit: 10, action: 'a', target: 't' }, id),
    });
    const record = {
      principal: 'p',
      key: 'k',
      requestHash: Buffer.from('x'),
      status: 201,
      sealedBody: Buffer.from('x'),
      expiresAt: now,
    };
    const idempotency = await callEach(new IdempotencyRepository(), {
      lock: (repository) => repository.lock(tx, 'p', 'k'),
      find: (repository) => repository.find(tx, 'p', 'k'),
      store: (repository) => repository.store(tx, record),
    });
    const analytics = await callEach(new AnalyticsRepository(), {
      answer: async (repository) => {
        for (const groupBy of GROUPINGS) {
          for (const filter of FILTERS) await repository.answer(tx, questionOf({ groupBy, filter }));
        }
      },
      firstClick: (repository) => repository.firstClick(tx),
      detailsSince: (repository) => repository.detailsSince(tx),
      ask: (repository) => repository.ask(tx, { sql: 'SELECT', values: [] }),
    });
    expect(analytics.length).toBeGreaterThan(GROUPINGS.length * FILTERS.length);
    await expectOnePartition([...audit, ...idempotency, ...analytics]);
  });

  it('of single clicks read the months asked for and no others', async () => {
    const filter = { dimensions: { country: one('DE'), device: one('mobile') } };
    const months = async (from: string, to: string): Promise<string[]> => {
      const statement = statementOf(tx.tenantId, questionOf({ groupBy: 'cities', filter, from, to }));
      const plan = await explain({ sql: statement.sql, parameters: statement.values });
      return relations(plan).map((relation) => relation.replace(/_p\d{2}$/, ''));
    };
    const month = (ahead: number): string =>
      new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1)).toISOString();
    const table = (ahead: number): string => `clicks_${month(ahead).slice(0, 7).replace('-', '_')}`;
    expect(await months(month(0), month(1))).toEqual([table(0)]);
    expect(await months(month(-1), month(1))).toEqual([table(-1), table(0)]);
  });

  it('of erasing and expiring clicks touch one hash partition of each table', async () => {
    const recording = new ClickErasuresRecorder();
    const expiry = new ClickExpiryRepository(undefined as never); // Across tenants it asks as waypost_ingest.
    const from = recorder.statements.length;
    await recording.ofLink(tx, id);
    await recording.ofTenant(tx);
    await expiry.erase(tx, id);
    await expiry.erase(tx, undefined);
    await expiry.finish(tx, id);
    await expiry.dropBefore(tx, now);
    const statements = recorder.statements.slice(from);
    for (const statement of statements) {
      const touched = spread(await explain(statement));
      // Clicks have partitions of their own each month: one of each.
      delete touched.clicks;
      expect({ sql: statement.sql, touched }).toEqual({ sql: statement.sql, touched: {} });
    }
    const months = statements.filter(({ sql }) => /FROM clicks\b/.test(sql));
    expect(months.length).toBeGreaterThan(0);
    for (const statement of months) {
      const partitions = relations(await explain(statement)).flatMap((name) => /_(p\d{2})$/.exec(name)?.[1] ?? []);
      expect(new Set(partitions).size).toBe(1);
    }
  });

  it('of ingest look into the months of its clicks alone, and by an index', async () => {
    const ingest = await new DataSource({
      type: 'postgres',
      url: await databaseUrl('waypost_ingest'),
      logging: true,
      logger: recorder,
    }).initialize();
    const from = recorder.statements.length;
    await asRole('postgres', (client) =>
      client.query(
        `WITH tenant AS (
           INSERT INTO tenants (id, name, slug, created_at, updated_at) VALUES ($1, 'Plan', $2, now(), now()))
         INSERT INTO link_stats (tenant_id, link_id, clicks) VALUES ($1, $1, 0)`,
        [id, `plan-${id}`],
      ),
    );
    const row = { tenant_id: id, id, link_id: id, domain_id: id, occurred_at: now.toISOString(), bot: false };
    await new ClicksRepository(new IngestDatabase(ingest)).store([row], now.getTime());
    const readers: string[] = [];
    for (const { sql, parameters } of recorder.statements.slice(from)) {
      const [explained] = (await ingest.query(`EXPLAIN (FORMAT JSON) ${sql}`, parameters)) as [
        { 'QUERY PLAN': [{ Plan: Plan }] },
      ];
      const plan = explained['QUERY PLAN'][0].Plan;
      const months = relations(plan).flatMap((name) => /^clicks_(\d{4}_\d{2})_p/.exec(name)?.[1] ?? []);
      expect(new Set(months).size).toBeLessThanOrEqual(1);
      if (months.length > 0) readers.push(JSON.stringify(plan));
    }
    expect(readers).toEqual([expect.stringMatching(/"Index (Only )?Scan"/)]);
    await ingest.destroy();
  });

  it('of the resolver, prepared once for all tenants, touch one hash partition and use an index', async () => {
    const database = new ResolverDatabase(
      { primary: await databaseUrl('waypost_resolver') },
      createLogger('silent', false),
    );
    const targets = new RedirectTargetsRepository(database);
    await targets.findDomain('plan.example', false);
    await targets.findLink({ tenantId: id, domainId: id } as DomainTarget, 'key', false);

    // The pool has opened one connection, on which the statements are prepared.
    const parameters: Record<string, string> = {
      'resolve-domain': `'plan.example'`,
      'resolve-link': `'${id}', '${id}', 'key'`,
    };
    await database.query('generic', 'SET plan_cache_mode = force_generic_plan', []);
    await database.query('indexed', 'SET enable_seqscan = off', []);
    for (const [name, values] of Object.entries(parameters)) {
      const explained = await database.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain-${name}`,
        `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE "${name}" (${values})`,
        [],
      );
      const plan = explained[0]?.['QUERY PLAN'][0].Plan ?? {};
      expect(spread(plan)).toEqual({});
      expect(JSON.stringify(plan)).toMatch(/"Index (Only )?Scan"/);
    }
    await database.onApplicationShutdown();
  });
});
