import { readdir } from 'node:fs/promises';
import type pg from 'pg';
import { DISTRIBUTED } from '../../platform/database/citus.js';
import { QUEUE_SCHEMA } from '../../platform/database/migrate.js';
import { MIGRATIONS } from '../migrate.js';
import { type Finding, finding, some } from './finding.js';
import { rows } from './sessions.js';

const DAY_MS = 24 * 3600 * 1000;
/** This one and the next: upkeep makes more ahead, and does so every six hours. */
const MONTHS_NEEDED = 2;
/** Upkeep drops a month within six hours. */
const GRACE_MS = DAY_MS;
/** The relay looks twice a second. */
const CARRIED_WITHIN = '2 minutes';

/** Whether the migrations of this version have been run, and no others. @param client the owner's */
export async function checkMigrations(client: pg.Client): Promise<Finding[]> {
  const known = (await readdir(MIGRATIONS))
    .filter((name) => /^\d+-.*\.js$/.test(name))
    .map((name) => name.slice(0, -3));
  const ran = await rows<{ timestamp: string; name: string }>(
    client,
    'SELECT timestamp, name FROM public.schema_migrations',
  );
  const numbers = new Set(ran.map(({ timestamp }) => timestamp));
  const pending = known.filter((name) => !numbers.has(numberOf(name)));
  const ours = new Set(known.map(numberOf));
  const unknown = ran.filter(({ timestamp }) => !ours.has(timestamp)).map(({ name }) => name);
  return [
    ...(pending.length > 0
      ? [finding('migration_pending', `Migrations have not been run: ${some(pending)}`, 'Run waypost migrate')]
      : []),
    ...(unknown.length > 0
      ? [
          finding(
            'migration_unknown',
            `The database is ahead of this version: ${some(unknown)}`,
            'Run the doctor of the version that was installed last. The version before goes on on a newer schema',
          ),
        ]
      : []),
  ];
}

const numberOf = (name: string): string => name.slice(0, name.indexOf('-'));

/** Whether clicks of the next weeks have a place, and old ones go. */
export async function checkPartitions(client: pg.Client, retentionDays: number): Promise<Finding[]> {
  const found = await rows<{ month: string }>(
    client,
    `SELECT c.relname AS month FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
     WHERE inhparent = to_regclass('public.clicks')`,
  );
  const there = new Set(found.map(({ month }) => month));
  const now = new Date();
  const missing = Array.from({ length: MONTHS_NEEDED }, (_, ahead) =>
    tableOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead))),
  ).filter((month) => !there.has(month));
  const firstKept = tableOf(new Date(now.getTime() - GRACE_MS - retentionDays * DAY_MS));
  const expired = [...there].filter((month) => /^clicks_\d{4}_\d{2}$/.test(month) && month < firstKept).toSorted();
  return [
    ...(missing.length > 0
      ? [
          finding(
            'partition_missing',
            `There is no partition for the clicks of ${missing.map(monthOf).join(', ')}: they would be dropped`,
            'Run waypost partitions make, and see why no worker has done so',
          ),
        ]
      : []),
    ...(expired.length > 0
      ? [
          finding(
            'partition_expired',
            `Clicks are kept that are past CLICK_RETENTION_DAYS: ${some(expired.map(monthOf))}`,
            'Run waypost partitions drop, and see why no worker has done so',
          ),
        ]
      : []),
  ];
}

const tableOf = (time: Date): string => `clicks_${time.toISOString().slice(0, 7).replace('-', '_')}`;
const monthOf = (table: string): string => table.slice('clicks_'.length).replace('_', '-');

/** Whether the queue has its tables where it lives in PostgreSQL. */
export async function checkQueue(client: pg.Client): Promise<Finding[]> {
  const [row] = await rows<{ usable: boolean | null }>(
    client,
    `SELECT (SELECT bool_and(has_schema_privilege(r, oid, 'USAGE')) FROM pg_namespace, unnest(ARRAY['waypost_ingest', 'waypost_resolver']) AS r
             WHERE nspname = '${QUEUE_SCHEMA}' AND r IN (SELECT rolname FROM pg_roles)) AS usable`,
  );
  if (row?.usable === true) return [];
  return [
    finding(
      'queue_schema_missing',
      `The schema ${QUEUE_SCHEMA}, in which the queue lives without REDIS_URL, is not there or not open to its users`,
      'Run waypost migrate',
    ),
  ];
}

/** Whether a worker carries on what the api has noted. @param client of waypost_ingest */
export async function checkOutbox(client: pg.Client): Promise<Finding[]> {
  const [row] = await rows<{ oldest: string | null }>(
    client,
    `SELECT to_char(min(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS oldest FROM outbox
     WHERE created_at < now() - interval '${CARRIED_WITHIN}'`,
  );
  if (!row?.oldest) return [];
  return [
    finding(
      'outbox_stuck',
      `Changes wait since ${row.oldest} to be told to others: no worker carries them`,
      'Start a worker, or look into its log',
    ),
  ];
}

/** @param wanted HASH_PARTITIONS */
export async function checkHashPartitions(client: pg.Client, wanted: number): Promise<Finding[]> {
  const [row] = await rows<{ actual: number }>(
    client,
    `SELECT count(*)::int AS actual FROM pg_inherits WHERE inhparent = to_regclass('public.links')`,
  );
  if (!row || row.actual === 0 || row.actual === wanted) return [];
  return [
    finding(
      'hash_partitions_ignored',
      `HASH_PARTITIONS is ${wanted}, and the tables have ${row.actual}: the first migration has fixed that`,
      `Set HASH_PARTITIONS to ${row.actual}`,
    ),
  ];
}

/** Whether Citus, where it is, has the tables, and its nodes reach each other. @param client of a role that asks other nodes */
export async function checkCitus(client: pg.Client): Promise<Finding[]> {
  const [citus] = await rows<{ installed: boolean; distributed: boolean }>(
    client,
    `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS installed, ${DISTRIBUTED} AS distributed`,
  );
  if (!citus?.installed) return [];
  if (!citus.distributed)
    return [
      finding(
        'citus_unused',
        'The server has Citus, and the tables have hash partitions: they stay on this server',
        'Move the tenants to a deployment whose database had the extension before its first migration',
      ),
    ];
  const cut = await rows<{ way: string; role: string }>(
    client,
    `SELECT format('%s:%s to %s:%s', from_nodename, from_nodeport, to_nodename, to_nodeport) AS way, current_user AS role
     FROM citus_check_cluster_node_health() WHERE result IS NOT TRUE ORDER BY 1`,
  );
  if (cut.length === 0) return [];
  return [
    finding(
      'citus_node_unreachable',
      `Nodes do not reach each other as ${cut[0]?.role ?? ''}: ${some(cut.map(({ way }) => way))}`,
      'See that each node is up, and lets each role in from each other node (pg_hba.conf, pg_dist_authinfo)',
    ),
  ];
}
