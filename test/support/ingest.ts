import { randomBytes } from 'node:crypto';
import { TypeID } from 'typeid-js';
import { DataSource } from 'typeorm';
import { AuditRecorder } from '../../src/audit/audit.recorder.js';
import { AuditRepository } from '../../src/audit/audit.repository.js';
import type { Click } from '../../src/clicks/click.js';
import { ClickDetails } from '../../src/clicks/click-details.js';
import { ClickSpansRepository } from '../../src/clicks/click-spans.repository.js';
import { ClickSpansUpkeep } from '../../src/clicks/click-spans.upkeep.js';
import { ClickExpiryRepository } from '../../src/clicks/click-expiry.repository.js';
import { ClicksRepository } from '../../src/clicks/clicks.repository.js';
import { ClicksService } from '../../src/clicks/clicks.service.js';
import { ClicksUpkeep } from '../../src/clicks/clicks.upkeep.js';
import { RollupsRepository } from '../../src/clicks/rollups.repository.js';
import { GeoDatabase } from '../../src/clicks/geo-database.js';
import { VisitorKeys } from '../../src/clicks/visitor-keys.js';
import { VisitorSaltsRepository } from '../../src/clicks/visitor-salts.repository.js';
import { Config, readSettings } from '../../src/platform/config/config.js';
import { IngestDatabase } from '../../src/platform/database/ingest-database.js';
import { Transactions } from '../../src/platform/database/transactions.js';
import { newId } from '../../src/platform/ids.js';
import { Secrets } from '../../src/platform/secrets/secrets.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { Tracing } from '../../src/platform/telemetry/tracing.js';
import { APP_ENTITIES, INGEST_ENTITIES } from '../../src/roles/entities.js';
import { asRole, databaseUrl } from './database.js';
import type { LinkBody, Tenant } from './waypost.js';

const uuid = (publicId: string): string => TypeID.fromString(publicId).toUUID();

/** Rows as the superuser sees them. */
export const rowsOf = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  asRole('postgres', async (client) => (await client.query<Row>(sql, values)).rows);

/** The worker's end of the click ledger, on the shared database and with connections of its own. */
export class Ingest {
  private constructor(
    readonly clicks: { store: (clicks: Click[]) => Promise<unknown> },
    readonly upkeep: ClicksUpkeep,
    private readonly spans: ClickSpansUpkeep,
    readonly close: () => Promise<void>,
  ) {}

  /** Makes the sums of longer times of one tenant, from then on. @returns how many */
  makeSpans({ tenantId }: Tenant, since = 0, now = Date.now()): Promise<number> {
    return this.spans.make({ tenants: [uuid(tenantId)], since, now, mayGoOn: () => true });
  }

  static async open(variables: Record<string, string> = {}): Promise<Ingest> {
    const secretKey = randomBytes(32).toString('base64');
    const given = { databaseUrls: {} as never, secretKey, platformKey: '' };
    const config = Config.from(readSettings(variables, 'run'), given);
    const logger = createLogger('silent', false);
    const database = new IngestDatabase(await dataSource('waypost_ingest', INGEST_ENTITIES));
    const transactions = new Transactions(await dataSource('waypost_app', APP_ENTITIES));
    const secrets = new Secrets(config.secretKey);
    const salts = new VisitorSaltsRepository(database);
    const places = new GeoDatabase(config, logger);
    const repository = new ClicksRepository(database);
    const details = new ClickDetails(places, new VisitorKeys(salts, secrets));
    const expiry = new ClickExpiryRepository(database);
    await places.onApplicationBootstrap();
    const service = new ClicksService(config, details, repository, Tracing.off);
    return new Ingest(
      // Each as a segment of its own.
      {
        store: (clicks) => {
          const segment = newId();
          return service.store(clicks.map((click) => ({ ...click, segment })));
        },
      },
      new ClicksUpkeep(
        config,
        repository,
        expiry,
        salts,
        new RollupsRepository(database),
        transactions,
        new AuditRecorder(new AuditRepository(), secrets),
        logger,
      ),
      new ClickSpansUpkeep(new ClickSpansRepository(database), logger),
      async () => {
        places.onModuleDestroy();
        await Promise.all([database.onApplicationShutdown(), transactions.onApplicationShutdown()]);
      },
    );
  }
}

const dataSource = async (role: string, entities: Array<new () => object>): Promise<DataSource> =>
  new DataSource({
    type: 'postgres',
    url: await databaseUrl(role),
    entities,
    extra: { max: 6, pipeline: true },
  }).initialize();

/** A click of somebody at this time, as the redirect role writes it. */
export function clickOn(tenant: Tenant, link: LinkBody, given: Partial<Click> = {}): Click {
  return {
    id: newId(),
    occurredAt: Date.now(),
    tenantId: uuid(tenant.tenantId),
    domainId: uuid(tenant.domainId),
    linkId: uuid(link.id),
    address: '203.0.113.9',
    userAgent: undefined,
    referrer: undefined,
    language: undefined,
    country: undefined,
    optedOut: false,
    query: '',
    ...given,
  };
}

export interface Sums {
  clicks: number;
  visitors: number;
  bots: number;
}

/** What every place that counts a tenant's clicks has counted. */
export async function sumsOf(tenant: Tenant): Promise<Record<string, Sums>> {
  const places = {
    raw: `SELECT count(*) FILTER (WHERE NOT bot), count(*) FILTER (WHERE first_of_tenant), count(*) FILTER (WHERE bot) FROM clicks`,
    rawByLink: `SELECT count(*) FILTER (WHERE NOT bot), count(*) FILTER (WHERE first_of_link), count(*) FILTER (WHERE bot) FROM clicks`,
    byTenant: `SELECT sum(clicks), sum(visitors), sum(bots) FROM tenant_rollups`,
    byLink: `SELECT sum(clicks), sum(visitors), sum(bots) FROM click_rollups`,
    counters: `SELECT sum(clicks), sum(visitors), sum(bots) FROM link_stats`,
  };
  const sums: Record<string, Sums> = {};
  for (const [place, sql] of Object.entries(places)) sums[place] = await sum(sql, tenant);
  for (const table of ['breakdown_rollups', 'click_days']) {
    // Each dimension has all clicks; the least and the most are the same.
    for (const pick of ['min', 'max']) {
      const columns = `${pick}(clicks) AS a, ${pick}(visitors) AS b, ${pick}(bots) AS c`;
      const by = `SELECT sum(clicks) AS clicks, sum(visitors) AS visitors, sum(bots) AS bots FROM ${table} WHERE tenant_id = $1 GROUP BY dimension`;
      sums[`${pick} of ${table}`] = await sum(`SELECT ${columns} FROM (${by}) AS dimensions`, tenant, '');
    }
  }
  return sums;
}

async function sum(sql: string, { tenantId }: Tenant, where = 'WHERE tenant_id = $1'): Promise<Sums> {
  const [row = []] = await asRole(
    'postgres',
    async (client) =>
      (await client.query({ text: `${sql} ${where}`, values: [uuid(tenantId)], rowMode: 'array' })).rows as unknown[][],
  );
  const [clicks, visitors, bots] = row.map((value) => Number(value ?? 0));
  return { clicks: clicks ?? 0, visitors: visitors ?? 0, bots: bots ?? 0 };
}

export const tenantUuid = ({ tenantId }: Tenant): string => uuid(tenantId);
export const linkUuid = ({ id }: LinkBody): string => uuid(id);
