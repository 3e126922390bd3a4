import type pg from 'pg';
import { TypeID } from 'typeid-js';
import { newId } from '../../src/platform/ids.js';
import { asRole } from './database.js';
import { derivingRollups } from './derive-rollups.js';
import { type LinkBody, newTenant, type Tenant } from './waypost.js';

const uuid = (id: string): string => TypeID.fromString(id).toUUID();
const DAY = 86_400_000;

/** What is known of a click, as its columns are named. */
export interface KnownClick {
  at: string;
  link: LinkBody;
  domainId?: string;
  /** Whoever has the same name on the same UTC day is the same visitor; nobody's click counts no visitor. */
  visitor?: string;
  bot?: boolean;
  continent?: string;
  country?: string;
  region?: string;
  city?: string;
  device?: string;
  browser?: string;
  os?: string;
  referrer_host?: string;
  language?: string;
  utm_source?: string;
  utm_medium?: string;
  utm_campaign?: string;
  utm_term?: string;
  utm_content?: string;
  trigger?: string;
}

/** Clicks of the past, as ingest would have stored and counted them. */
export async function clicked(tenant: Tenant, clicks: KnownClick[]): Promise<void> {
  const rows = stored(tenant, clicks);
  await asRole('postgres', async (client) => {
    await makeMonths(client, rows);
    await client.query('BEGIN');
    await client.query(`CREATE TEMPORARY TABLE given (LIKE clicks INCLUDING DEFAULTS) ON COMMIT DROP`);
    const columns = Object.keys(rows[0] ?? {}).join(', ');
    await client.query(
      `INSERT INTO given (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::given, $1)`,
      [JSON.stringify(rows)],
    );
    await client.query(`INSERT INTO clicks SELECT * FROM given WHERE occurred_at >= $1`, [detailsSince()]);
    for (const statement of derivingRollups('given')) await client.query(statement);
    await client.query('COMMIT');
  });
}

function stored(tenant: Tenant, clicks: KnownClick[]): Array<Record<string, unknown>> {
  const seen = new Set<string>();
  const first = (...of: string[]): boolean => seen.size < seen.add(of.join()).size;
  return clicks
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .map(({ at, link, domainId = tenant.domainId, visitor, bot = false, trigger = 'link', ...details }) => {
      const day = new Date(at).toISOString().slice(0, 10);
      const counts = visitor !== undefined && !bot;
      return {
        ...NOTHING_KNOWN,
        ...details,
        tenant_id: uuid(tenant.tenantId),
        id: newId(),
        link_id: uuid(link.id),
        domain_id: uuid(domainId),
        occurred_at: at,
        trigger,
        bot,
        first_of_link: counts && first(day, visitor, link.id),
        first_of_tenant: counts && first(day, visitor),
      };
    });
}

const NOTHING_KNOWN = {
  continent: null, country: null, region: null, city: null, device: null, browser: null, os: null, referrer_host: null,
  language: null, utm_source: null, utm_medium: null, utm_campaign: null, utm_term: null, utm_content: null,
}; // prettier-ignore

/** Single clicks are kept for a year; what is older is known by its sums alone. */
const detailsSince = (): string => new Date(Date.now() - 300 * DAY).toISOString();

async function makeMonths(client: pg.Client, rows: Array<Record<string, unknown>>): Promise<void> {
  const times = rows.map(({ occurred_at }) => new Date(String(occurred_at)).toISOString());
  const kept = times.filter((time) => time >= detailsSince());
  for (const month of new Set(kept.map((time) => `${time.slice(0, 7)}-01`))) {
    await client.query(`SELECT make_click_partitions($1::date, 1)`, [month]);
  }
}

/** A tenant whose only link was clicked at these times. */
export async function clickedAt(times: string[]): Promise<Tenant> {
  const tenant = await newTenant();
  const link = await tenant.link();
  await clicked(
    tenant,
    times.map((at) => ({ at, link })),
  );
  return tenant;
}
