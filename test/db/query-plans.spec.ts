import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DataSource, type Logger } from 'typeorm';
import { AnalyticsRepository } from '../../src/analytics/analytics.repository.js';
import type { Cover } from '../../src/analytics/cover.js';
import { GROUPINGS } from '../../src/analytics/dimensions.js';
import { type ClickFilter, type Question, spanKindOf } from '../../src/analytics/question.js';
import { statementOf } from '../../src/analytics/question-sql.js';
import { slicesOf } from '../../src/analytics/slices.js';
import { AuditRepository } from '../../src/audit/audit.repository.js';
import { AuditVerificationRepository } from '../../src/audit/audit-verification.repository.js';
import type { RecordedEvent } from '../../src/audit/canonical-event.js';
import { ClickErasuresRecorder } from '../../src/clicks/click-erasures.recorder.js';
import { ClickExpiryRepository } from '../../src/clicks/click-expiry.repository.js';
import { ClicksRepository } from '../../src/clicks/clicks.repository.js';
import { NO_POLICY } from '../../src/destinations/destination-policy.js';
import { DestinationsRepository } from '../../src/destinations/destinations.repository.js';
import type { DomainEntity } from '../../src/domains/domain.entity.js';
import { DomainsRepository } from '../../src/domains/domains.repository.js';
import type { ApiKeyEntity } from '../../src/identity/api-key.entity.js';
import { ApiKeysRepository, knownKey } from '../../src/identity/api-keys.repository.js';
import type { MemberEntity } from '../../src/identity/member.entity.js';
import type { IdentityProviderEntity } from '../../src/identity/identity-provider.entity.js';
import { IdentityProvidersRepository, registration } from '../../src/identity/identity-providers.repository.js';
import { MembersRepository } from '../../src/identity/members.repository.js';
import type { LinkEntity } from '../../src/links/link.entity.js';
import { LinksRepository } from '../../src/links/links.repository.js';
import type { Tx } from '../../src/platform/context/context.js';
import { IngestDatabase } from '../../src/platform/database/ingest-database.js';
import { ResolverDatabase } from '../../src/platform/database/resolver-database.js';
import { Transactions } from '../../src/platform/database/transactions.js';
import { newId } from '../../src/platform/ids.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { PlansRepository } from '../../src/plans/plans.repository.js';
import { IdempotencyRepository } from '../../src/platform/idempotency/idempotency.repository.js';
import type { DomainTarget } from '../../src/redirects/redirect-target.js';
import { RedirectTargetsRepository } from '../../src/redirects/redirect-targets.repository.js';
import { APP_ENTITIES } from '../../src/roles/entities.js';
import { parseFilter } from '../../src/scim/filter.js';
import { filterToSql } from '../../src/scim/filter-sql.js';
import { GROUP, USER } from '../../src/scim/scim-attributes.js';
import { GROUP_COLUMNS, ScimGroupsRepository } from '../../src/scim/scim-groups.repository.js';
import { ScimSettingsRepository } from '../../src/scim/scim-settings.repository.js';
import type { ScimUserEntity } from '../../src/scim/scim-user.entity.js';
import { ScimUsersRepository, USER_COLUMNS } from '../../src/scim/scim-users.repository.js';
import { TenantsRepository } from '../../src/tenants/tenants.repository.js';
import { describeOnOneServer } from '../support/on-one-server.js';
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

const MIDNIGHT = Math.floor(Date.now() / 86_400_000) * 86_400_000;
const daysAgo = (days: number): Date => new Date(MIDNIGHT - days * 86_400_000);
const bounds = { clicks: [9, 5, 0], all: [9, 5, 0], visitors: [9, 5, 0] };
/** As if all of a month but the last hours were summed. */
const SOME_SPANS: Cover = {
  whole: [8, 4, 3].map((days) => ({ first: daysAgo(days), hours: days === 8 ? 96 : 24, bounds })),
  rest: [
    { from: new Date(daysAgo(9).getTime() + 3_600_000), to: daysAgo(8) },
    { from: daysAgo(2), to: daysAgo(0) },
  ],
  known: [9, 4, 3].map((days) => ({ first: daysAgo(days), hours: 24, bounds })),
};

function questionOf(given: Pick<Question, 'groupBy' | 'filter'> & { from?: string; to?: string }): Question {
  const to = new Date(given.to ?? Date.now());
  const from = new Date(given.from ?? to.getTime() - 30 * 86_400_000);
  const slices = given.groupBy === 'timeseries' ? slicesOf(from, to, 'day', 'Europe/Berlin') : [];
  const asked = { event: 'clicks' as const, bots: false, limit: 100, open: false, wholeHoursBefore: undefined };
  return { ...asked, ...given, start: from, from, to, slices };
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

/** The indexes that a plan uses, without the number of the partition, in their order in the plan. */
function indexes(plan: Plan): string[] {
  const own = typeof plan['Index Name'] === 'string' ? [plan['Index Name'].replace(/_p\d{2}_/, '_')] : [];
  return [...own, ...((plan.Plans as Plan[] | undefined) ?? []).flatMap(indexes)];
}

/** Tables of which a plan touches more than one hash partition, with those. */
function spread(plan: Plan): Record<string, string[]> {
  const touched = Map.groupBy(new Set(relations(plan)), (relation) => partitioned(relation) ?? '');
  touched.delete('');
  const hashes = (partitions: string[]): number => new Set(partitions.map((name) => name.slice(-'p00'.length))).size;
  return Object.fromEntries([...touched].filter(([, partitions]) => hashes(partitions) > 1));
}

describeOnOneServer('query plans', () => {
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
      insert: (links) => links.insert(tx, link, ['a']),
      setTags: (links) => links.setTags(tx, id, ['a', 'b']),
      lock: (links) => links.lock(tx, id),
      get: (links) => links.get(tx, id),
      show: (links) => links.show(new Transactions(app), tx, id),
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
      knownIds: (domains) => domains.knownIds(tx, [id, tx.tenantId]),
      findByHostname: (domains) => domains.findByHostname(tx, 'plan.example'),
      findPrimary: (domains) => domains.findPrimary(tx),
      list: (domains) => domains.list(tx, 10, id),
      update: (domains) => domains.update(tx, id, { rootUrl: null }),
      lockPrimary: (domains) => domains.lockPrimary(tx),
      findForLink: (domains) => domains.findForLink(tx, { hostname: 'plan.example' }),
      count: (domains) => domains.count(tx),
      hasOthers: (domains) => domains.hasOthers(tx, id),
      hasLinks: (domains) => domains.hasLinks(tx, id),
      delete: (domains) => domains.delete(tx, domain),
    });
    const destinations = await callEach(new DestinationsRepository(), {
      facts: (destinations) => destinations.facts(tx, ['plan.example']),
      policy: (destinations) => destinations.policy(tx, tx.tenantId),
      put: (destinations) => destinations.put(tx, NO_POLICY, id),
    });
    await expectOnePartition([...statements, ...destinations]);
  });

  it('of tenants, API keys and members touch one hash partition', async () => {
    const tenant = {
      id: newId(),
      name: 'Plan',
      slug: `plan-${id}`,
      suspendedAt: null,
      redirectsWhileSuspended: false,
      plan: 'standard',
      linksPerMonth: null,
      maxDomains: null,
      maxMembers: null,
      requestsPerMinute: null,
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
    const key = { tenantId: tx.tenantId, id, name: 'n', hint: 'h', secretHash: Buffer.from('x'), previousSecretHash: null, previousSecretExpiresAt: null, allowedIpRanges: null, scopes: [], expiresAt: null, lastUsedAt: null, createdBy: 'x', createdAt: now } as ApiKeyEntity; // prettier-ignore
    const keys = await callEach(new ApiKeysRepository(), {
      insert: (repository) => repository.insert(tx, key),
      findByHash: (repository) => repository.findByHash(new Transactions(app), tx.tenantId, Buffer.from('x')),
      get: (repository) => repository.get(tx, id),
      lock: (repository) => repository.lock(tx, id),
      replaceSecret: (repository) => repository.replaceSecret(tx, id, { secretHash: Buffer.from('y'), hint: 'h', previousSecretHash: null, previousSecretExpiresAt: null }), // prettier-ignore
      list: (repository) => repository.list(tx, 'x', 10, id),
      madeBy: (repository) => repository.madeBy(tx, 'x'),
      touch: (repository) => repository.touch(tx, id),
      delete: (repository) => repository.delete(tx, id),
    });
    const member = { tenantId: tx.tenantId, id, name: null, email: 'a@b.example', role: 'viewer', status: 'active', providerId: id, subject: 's', restrictedDomains: null, restrictedTags: null, lastSeenAt: null, createdBy: 'x', createdAt: now, updatedAt: now } as MemberEntity; // prettier-ignore
    const members = await callEach(new MembersRepository(), {
      insert: (repository) => repository.insert(tx, member),
      insertNew: (repository) => repository.insertNew(tx, member),
      findByIdentity: (repository) => repository.findByIdentity(tx, { providerId: id, subject: 's' }),
      accept: (repository) => repository.accept(tx, 'a@b.example', { providerId: id, subject: 's' }, now),
      count: (repository) => repository.count(tx),
      list: (repository) => repository.list(tx, 10, id),
      lockOwners: (repository) => repository.lockOwners(tx),
      lock: (repository) => repository.lock(tx, id),
      lockAll: (repository) => repository.lockAll(tx, [id]),
      findOutsideDirectory: (repository) => repository.findOutsideDirectory(tx, 'a@b.example'),
      isInDirectory: (repository) => repository.isInDirectory(tx, { attribute: 'userName', value: 'a' }),
      bind: (repository) =>
        repository.bind(tx, { attribute: 'externalId', value: 'a' }, { providerId: id, subject: 's' }, now),
      update: (repository) => repository.update(tx, id, { name: 'n' }),
      shutOut: (repository) => repository.shutOut(tx, { providerId: id, subject: 's' }),
      isShutOut: (repository) => repository.isShutOut(tx, { providerId: id, subject: 's' }),
      letIn: (repository) => repository.letIn(tx, { providerId: id, subject: 's' }),
      delete: (repository) => repository.delete(tx, id),
    });
    const literal = { sql: knownKey(tx.tenantId, Buffer.from('x')), parameters: [] };
    const plans = await callEach(new PlansRepository(), {
      takeLinks: (repository) => repository.takeLinks(tx, '2026-11-01', 10, 1, () => new Error()),
      links: (repository) => repository.links(tx, '2026-11-01'),
      lockLimits: (repository) => repository.lockLimits(tx),
    });
    await expectOnePartition([...tenants, ...keys, ...members, ...plans, literal]);
  });

  it('of identity providers touch one hash partition, but for the search of a token’s tenant', async () => {
    const provider = { tenantId: tx.tenantId, id, name: 'n', issuer: 'https://i.example', audience: 'a', roleClaim: null, roleMapping: {}, defaultRole: null, emailDomains: [], directory: null, createdAt: now, updatedAt: now } as IdentityProviderEntity; // prettier-ignore
    const origin = { issuer: 'https://i.example', audiences: ['a'], subject: 's', tenant: undefined };
    const providers = await callEach(new IdentityProvidersRepository(), {
      insert: (repository) => repository.insert(tx, provider),
      get: (repository) => repository.get(tx, id),
      lock: (repository) => repository.lock(tx, id),
      list: (repository) => repository.list(tx, 10, id),
      update: (repository) => repository.update(tx, id, { name: 'n' }),
      delete: (repository) => repository.delete(tx, id),
      // The search runs as a function, on what no statement here may see.
      registrationFor: (repository) => repository.registrationFor(new Transactions(app), origin),
    });
    await expectOnePartition([...providers, { sql: registration(tx.tenantId, id), parameters: [] }]);
  });

  it('of what a directory has pushed touch one hash partition', async () => {
    const user = { tenantId: tx.tenantId, id, userName: 'u', externalId: 'e', active: true, attributes: {}, version: 1, createdAt: now, updatedAt: now } as ScimUserEntity; // prettier-ignore
    const group = { tenantId: tx.tenantId, id, displayName: 'g', externalId: 'e', version: 1, createdAt: now, updatedAt: now }; // prettier-ignore
    const ofUsers = parseFilter('userName eq "a" and (emails[type eq "work"] or groups.display co "b" or title pr)');
    const ofGroups = parseFilter('displayName eq "a" or members.value eq "mem_01h455vb4pex5vsknk084sn02q"');
    const users = await callEach(new ScimUsersRepository(), {
      insert: (repository) => repository.insert(tx, user),
      get: (repository) => repository.get(tx, id),
      byIds: (repository) => repository.byIds(tx, [id]),
      all: (repository) => repository.all(tx),
      list: (repository) => repository.list(tx, filterToSql(USER, USER_COLUMNS, ofUsers, 4), 10, 0),
      count: (repository) => repository.count(tx, filterToSql(USER, USER_COLUMNS, ofUsers, 2)),
      update: (repository) => repository.update(tx, id, { active: false }),
      touch: (repository) => repository.touch(tx, [id], now),
      delete: (repository) => repository.delete(tx, id),
    });
    const groups = await callEach(new ScimGroupsRepository(), {
      insert: (repository) => repository.insert(tx, group),
      get: (repository) => repository.get(tx, id),
      list: (repository) => repository.list(tx, filterToSql(GROUP, GROUP_COLUMNS, ofGroups, 4), 10, 0),
      count: (repository) => repository.count(tx, filterToSql(GROUP, GROUP_COLUMNS, ofGroups, 2)),
      update: (repository) => repository.update(tx, id, { displayName: 'h' }),
      touch: (repository) => repository.touch(tx, [id], now),
      delete: (repository) => repository.delete(tx, id),
      membersOf: (repository) => repository.membersOf(tx, [id]),
      groupsOf: (repository) => repository.groupsOf(tx, [id]),
      addMembers: (repository) => repository.addMembers(tx, id, [id]),
      removeMembers: (repository) => repository.removeMembers(tx, id, [id]),
    });
    const settings = await callEach(new ScimSettingsRepository(), {
      lock: (repository) => repository.lock(tx),
      get: (repository) => repository.get(tx),
      put: (repository) => repository.put(tx, { groupRoles: { a: 'viewer' }, defaultRole: null }),
    });
    await expectOnePartition([...users, ...groups, ...settings]);
  });

  it('of the audit trail, of idempotency and of analytics touch one hash partition', async () => {
    const event: RecordedEvent = { tenantId: tx.tenantId, id, action: 'a', actor: 'a', targetType: 't', targetId: 't', before: null, after: {}, requestId: 'r', addressPrefix: null, origin: id, originCount: '0', occurredAt: now }; // prettier-ignore
    const audit = await callEach(new AuditRepository(), {
      append: (repository) => repository.append(tx, event, Buffer.from('x')),
      list: (repository) => repository.list(tx, { action: 'a', target: 't' }, 10, id),
      batch: (repository) => repository.batch(tx, { actor: 'a', from: now, to: now }, 10, id),
    });
    const verification = await callEach(new AuditVerificationRepository(), {
      byIds: (repository) => repository.byIds(tx, [id]),
      ends: (repository) => repository.ends(tx),
      hashAt: (repository) => repository.hashAt(tx, 1),
      links: (repository) => repository.links(tx, { after: 0, to: 9 }, 10),
      loose: (repository) => repository.loose(tx, id, 10),
      vanished: (repository) => repository.vanished(tx),
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
      take: (repository) => repository.take(tx, 'p', 'k'),
      store: (repository) => repository.store(tx, record),
    });
    const analytics = await callEach(new AnalyticsRepository(), {
      answer: async (repository) => {
        for (const groupBy of GROUPINGS) {
          for (const filter of FILTERS) {
            await repository.answer(tx, questionOf({ groupBy, filter }));
            if (!spanKindOf({ groupBy, filter })) continue;
            await repository.answer(tx, questionOf({ groupBy, filter }), SOME_SPANS);
          }
        }
      },
      spans: async (repository) => {
        await repository.spans(tx, 'links', questionOf({ groupBy: 'count', filter: { dimensions: {} } }), false);
        await repository.spans(tx, 'visits', questionOf({ groupBy: 'count', filter: { dimensions: {} } }), true);
      },
      anyCounted: (repository) => repository.anyCounted(tx, SOME_SPANS.rest),
      firstClick: (repository) => repository.firstClick(tx),
      detailsSince: (repository) => repository.detailsSince(tx),
      ask: (repository) => repository.ask(tx, { sql: 'SELECT', values: [] }),
    });
    expect(analytics.length).toBeGreaterThan(GROUPINGS.length * FILTERS.length);
    await expectOnePartition([...audit, ...verification, ...idempotency, ...analytics]);
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
      extra: { pipeline: true },
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
    const ids = { tenant_id: id, id, segment: newId(), link_id: id, domain_id: id };
    const row = { ...ids, occurred_at: now.toISOString(), bot: false };
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

  it('of the resolver, prepared once for all tenants, touch one hash partition and use an index', async () => {
    const database = new ResolverDatabase(
      { primary: await databaseUrl('waypost_resolver') },
      createLogger('silent', false),
    );
    const targets = new RedirectTargetsRepository(database);
    await targets.findDomain('plan.example', false);
    await targets.findLink({ tenantId: id, domainId: id } as DomainTarget, 'key', false);

    // The pool has opened one connection, on which the statements are prepared.
    const expected: Record<string, unknown[]> = {
      'resolve-domain': ['domains_hostname', expect.stringMatching(/^tenants_/)],
      // Not that of a domain's links, nor a join over all counters of the tenant: either may be a million rows.
      'resolve-link': ['links_domain_key', 'link_stats_pkey'],
    };
    const parameters: Record<string, string> = {
      'resolve-domain': `'plan.example'`,
      'resolve-link': `'${id}', '${id}', '{key,other}'`,
    };
    for (const [name, values] of Object.entries(parameters)) {
      const explained = await database.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain-${name}`,
        `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE "${name}" (${values})`,
        [],
      );
      const plan = explained[0]?.['QUERY PLAN'][0].Plan ?? {};
      expect(spread(plan)).toEqual({});
      expect(indexes(plan)).toEqual(expected[name]);
    }
    await database.onApplicationShutdown();
  });
});
