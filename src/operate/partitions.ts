import pg from 'pg';
import { settingsFromEnvironment } from '../platform/config/environment.js';
import { operatorConfig } from '../roles/embedded/operator-config.js';
import { DONE } from './exit-codes.js';
import { UsageError, say, sayJson, table } from './output.js';

const DAY_MS = 24 * 3600 * 1000;

interface Month {
  /** `2026-11`. */
  month: string;
  /** As the server's statistics have it: analyzed lately, it is close. */
  clicks: number;
  bytes: number;
  /** Older than CLICK_RETENTION_DAYS: upkeep drops it. */
  expired: boolean;
}

const MONTHS = `
  SELECT replace(substring(month.relname FROM 8), '_', '-') AS month,
         coalesce(sum(greatest(leaf.reltuples, 0)), 0)::float8 AS clicks,
         coalesce(sum(pg_total_relation_size(leaf.oid)), 0)::float8 AS bytes,
         to_date(substring(month.relname FROM 8), 'YYYY_MM') + interval '1 month' <= $1::date AS expired
  FROM pg_inherits JOIN pg_class month ON month.oid = inhrelid
  LEFT JOIN LATERAL pg_partition_tree(month.oid) AS tree ON tree.isleaf
  LEFT JOIN pg_class leaf ON leaf.oid = tree.relid
  WHERE inhparent = 'clicks'::regclass GROUP BY month.relname ORDER BY month.relname`;

/** The months of clicks that there are. */
export async function listPartitions({ json }: { json?: true }): Promise<number> {
  const months = await asIngest(monthsOf);
  if (json) sayJson({ data: months });
  else
    say(
      table(
        ['month', 'clicks (about)', 'MB', ''],
        months.map(({ month, clicks, bytes, expired }) => [
          month,
          String(clicks),
          (bytes / 1024 / 1024).toFixed(1),
          expired ? 'past retention' : '',
        ]),
      ),
    );
  return DONE;
}

/** Makes those that are missing, from this month on, as upkeep does. */
export async function makePartitions(options: { months: string; json?: true }): Promise<number> {
  const ahead = Number(options.months);
  if (!Number.isInteger(ahead) || ahead < 0 || ahead > 23) throw new UsageError('--months must be from 0 to 23');
  const made = await asIngest(async (client) => {
    const { rows } = await client.query<{ made: number }>('SELECT make_click_partitions(now()::date, $1) AS made', [
      ahead + 1,
    ]);
    return rows[0]?.made ?? 0;
  });
  if (options.json) sayJson({ made });
  else say(`Made ${made} months`);
  return DONE;
}

/** Drops months all of whose clicks are older than CLICK_RETENTION_DAYS, as upkeep does. */
export async function dropPartitions(options: { dryRun?: true; json?: true }): Promise<number> {
  const months = await asIngest(async (client, firstKept) => {
    const expired = (await monthsOf(client, firstKept)).filter(({ expired }) => expired);
    if (!options.dryRun && expired.length > 0) await client.query('SELECT drop_click_partitions($1)', [firstKept]);
    return expired.map(({ month }) => month);
  });
  if (options.json) sayJson({ dropped: options.dryRun ? [] : months, expired: months });
  else if (months.length === 0) say('No month is past retention');
  else say(`${options.dryRun ? 'Would drop' : 'Dropped'} ${months.join(', ')}`);
  return DONE;
}

async function monthsOf(client: pg.Client, firstKept: string): Promise<Month[]> {
  return (await client.query<Month>(MONTHS, [firstKept])).rows;
}

/** With the rights of upkeep: who owns the tables need not be known here. */
async function asIngest<T>(work: (client: pg.Client, firstKept: string) => Promise<T>): Promise<T> {
  const { databaseUrls, clickRetentionDays } = await operatorConfig(settingsFromEnvironment('run'));
  const client = new pg.Client({ connectionString: databaseUrls.ingest, application_name: 'waypost-partitions' });
  try {
    await client.connect();
    return await work(client, new Date(Date.now() - clickRetentionDays * DAY_MS).toISOString().slice(0, 10));
  } finally {
    await client.end();
  }
}
