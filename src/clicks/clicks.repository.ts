import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import type { ClickRow } from './click-row.js';
import { HOLD, HOLD_IN_SHARD, STORE, STORE_IN_SHARDS } from './store-sql.js';

export interface Stored {
  /** Clicks that were new. */
  stored: number;
  /** Clicks of a link or a tenant that is no more, and that are not stored. */
  orphaned: ClickRow[];
  /** Clicks older than their tenant keeps them, or of a month that has no partition, and that are not stored. */
  outside: ClickRow[];
}

/** What STORE says. */
interface Answer {
  stored: number;
  orphaned: string[];
  outside: string[];
}

/** Writes as waypost_ingest: the clicks of all tenants of a batch, and nothing but analytics. */
@Injectable()
export class ClicksRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** One transaction: all of it is counted, or nothing. */
  async store(rows: ClickRow[], now: number): Promise<Stored> {
    if (rows.length === 0) return { stored: 0, orphaned: [], outside: [] };
    const links = [...new Map(rows.map((row) => [`${row.tenant_id} ${row.link_id}`, row])).values()];
    const times = rows.map((row) => row.occurred_at).toSorted();
    const distributed = await this.database.isDistributed();
    const [answer] = await this.database.transactionAtOnce<Answer>([
      ...(distributed ? await this.holdByShard(links) : [hold(HOLD, links)]),
      [distributed ? STORE_IN_SHARDS : STORE, [JSON.stringify(rows), times[0], times.at(-1), new Date(now)]],
    ]);
    if (!answer) throw new Error('Nobody said what was stored');
    const of = (ids: string[]): ClickRow[] => {
      const wanted = new Set(ids);
      return wanted.size > 0 ? rows.filter(({ id }) => wanted.has(id)) : [];
    };
    return { stored: answer.stored, orphaned: of(answer.orphaned), outside: of(answer.outside) };
  }

  /** In one order of shards for all. */
  private async holdByShard(links: ClickRow[]): Promise<Statement[]> {
    const shards = await this.database.query<{ tenants: string[] }>(SHARDS, [
      [...new Set(links.map(({ tenant_id }) => tenant_id))],
    ]);
    return shards.map(({ tenants }) =>
      hold(
        HOLD_IN_SHARD,
        links.filter(({ tenant_id }) => tenants.includes(tenant_id)),
      ),
    );
  }

  /**
   * The database's time, in ms since 1970: what is dropped or destroyed for its age is gone for good.
   *
   * @throws when this process has another: then nobody knows how old anything is
   */
  async agreedTime(): Promise<number> {
    const [row] = await this.database.query<{ time: number }>(TIME);
    const time = row?.time ?? 0;
    const apart = Math.abs(time - Date.now());
    if (apart <= APART_MS) return time;
    throw new Error(
      `The clocks of this process and of the database are ${Math.round(apart / 1000)} s apart: nothing is dropped for its age`,
    );
  }

  /** Makes the monthly partitions that are missing, from this month on. @returns how many were made */
  async makePartitions(monthsAhead: number): Promise<number> {
    const [row] = await this.database.query<{ made: number }>('SELECT make_click_partitions(now()::date, $1) AS made', [
      monthsAhead + 1,
    ]);
    return row?.made ?? 0;
  }

  /** @returns for how many months after this one there are partitions, without a gap; -1: not even for this one */
  async monthsAhead(): Promise<number> {
    const [row] = await this.database.query<{ ahead: number }>(MONTHS_AHEAD);
    return row?.ahead ?? -1;
  }
}

type Statement = [sql: string, parameters: unknown[]];

const hold = (sql: string, links: ClickRow[]): Statement => [
  sql,
  [links.map(({ tenant_id }) => tenant_id), links.map(({ link_id }) => link_id)],
];

const SHARDS = `
  SELECT array_agg(id) AS tenants
  FROM (SELECT id, get_shard_id_for_distribution_column('link_stats', id) AS shard FROM unnest($1::uuid[]) AS id) AS tenant
  GROUP BY shard ORDER BY shard`;

/** What keeps its clock at all is within a second. */
const APART_MS = 5 * 60_000;

const TIME = 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS time';

const MONTHS_AHEAD = `
  SELECT coalesce(min(n), 25)::int - 1 AS ahead FROM generate_series(0, 24) AS n
  WHERE to_regclass('clicks_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month', 'YYYY_MM'))
        IS NULL`;
