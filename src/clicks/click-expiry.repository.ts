import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { NIL_UUID } from '../platform/ids.js';
import { CELL_COLUMNS, SPAN_HOURS } from './click-spans.reader.js';
import { CELL, CELL_SUMS, LOCK_SPANS } from './click-spans.repository.js';

/** Rows deleted in one transaction: nobody waits long for it, and a crash loses little. */
const AT_ONCE = 5_000;
const ERASURES_AT_ONCE = 100;

/** Of a link, or where `linkId` is undefined of the whole tenant. */
export interface Erasure {
  tenantId: string;
  linkId: string | undefined;
}

// By the columns of the primary key after the tenant. What is summed goes before its sums: whoever sums meanwhile sums
// nothing that stays.
const OF_LINK = { clicks: 'occurred_at, id', click_rollups: 'bucket, link_id', link_spans: 'hours, first, link_id' };
const OF_TENANT = {
  ...OF_LINK,
  tenant_rollups: 'bucket',
  breakdown_rollups: 'dimension, bucket, value',
  click_days: 'dimension, day, value',
  visit_spans: `hours, first, ${CELL_COLUMNS.join(', ')}`,
  click_spans: 'kind, first, hours',
};

/**
 * Removes clicks of what was deleted, and old ones. What there is to do is found as waypost_ingest, across tenants; it
 * is done as waypost_app, one tenant at a time. Who was seen on which day is forgotten by itself: see VisitorSaltsRepository.
 */
@Injectable()
export class ClickExpiryRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** What is to be erased, oldest first. A tenant's turn comes when its links are gone and no click can be added. */
  async pending(): Promise<Erasure[]> {
    const rows = await this.database.query<{ tenant_id: string; link_id: string }>(
      `SELECT tenant_id, link_id FROM click_erasures AS erasure
       WHERE link_id <> $1
          OR EXISTS (SELECT FROM tenants WHERE tenants.id = erasure.tenant_id AND purged_at IS NOT NULL)
       ORDER BY requested_at LIMIT ${ERASURES_AT_ONCE}`,
      [NIL_UUID],
    );
    return rows.map(({ tenant_id, link_id }) => ({
      tenantId: tenant_id,
      linkId: link_id === NIL_UUID ? undefined : link_id,
    }));
  }

  /** Erases some rows. @returns whether there may be more */
  async erase(tx: Tx, linkId: string | undefined): Promise<boolean> {
    await tx.manager.query(LOCK_SPANS, [tx.tenantId]);
    const [where, values] = linkId === undefined ? ['true', []] : ['link_id = $2', [linkId]];
    for (const [table, key] of Object.entries(linkId === undefined ? OF_TENANT : OF_LINK)) {
      const also = table === 'clicks' ? [noted('0'), ...(linkId === undefined ? [] : [TAKEN_OUT])] : [];
      if (await deleteSome(tx, { table, key, also }, where, values)) return true;
    }
    return false;
  }

  /** @returns false when another worker was first */
  async finish(tx: Tx, linkId: string | undefined): Promise<boolean> {
    const [{ finished }] = (await tx.manager.query(
      `WITH gone AS (DELETE FROM click_erasures WHERE tenant_id = $1 AND link_id = $2 RETURNING 1)
       SELECT count(*)::int AS finished FROM gone`,
      [tx.tenantId, linkId ?? NIL_UUID],
    )) as [{ finished: number }];
    return finished > 0;
  }

  /** @returns how many months were dropped, all of whose clicks were before this day */
  async dropMonths(firstKept: string): Promise<number> {
    const [row] = await this.database.query<{ dropped: number }>('SELECT drop_click_partitions($1) AS dropped', [
      firstKept,
    ]);
    return row?.dropped ?? 0;
  }

  /** Tenants that keep their clicks for fewer days than the platform does. */
  async shorterRetentions(platformDays: number): Promise<Array<{ id: string; days: number }>> {
    return this.database.query(
      'SELECT id, click_retention_days AS days FROM tenants WHERE click_retention_days < $1 AND purged_at IS NULL',
      [platformDays],
    );
  }

  /** Deletes some clicks of before this time. @returns whether there may be more */
  dropBefore(tx: Tx, time: Date): Promise<boolean> {
    const clicks = { table: 'clicks', key: OF_LINK.clicks, also: [noted('count(*)')] };
    return deleteSome(tx, clicks, 'occurred_at < $2', [time]);
  }
}

// Else the ledger would miss them.
const noted = (expired: string): string => `, noted AS (
  INSERT INTO erased_clicks AS erased (tenant_id, day, clicks, expired)
  SELECT tenant_id, (occurred_at AT TIME ZONE 'UTC')::date, count(*), ${expired} FROM gone GROUP BY 1, 2
  ON CONFLICT (tenant_id, day) DO UPDATE
  SET clicks = erased.clicks + excluded.clicks, expired = erased.expired + excluded.expired)`;

// Sums of visits say nothing of links: what a link had in them is taken out. What expires stays in them.
const TAKEN_OUT = `, cells AS (
  SELECT span.hours, date_bin(make_interval(hours => span.hours), occurred_at, 'epoch') AS first, ${CELL}, ${CELL_SUMS}
  FROM gone CROSS JOIN unnest('{${SPAN_HOURS.join()}}'::int[]) AS span (hours)
  GROUP BY ${Array.from({ length: CELL_COLUMNS.length + 2 }, (_, n) => n + 1).join(', ')}
), taken_out AS (
  UPDATE visit_spans AS span
  SET clicks = span.clicks - cells.clicks, visitors = span.visitors - cells.visitors, bots = span.bots - cells.bots
  FROM cells
  WHERE span.tenant_id = $1 AND span.hours = cells.hours AND span.first = cells.first
    AND ${CELL_COLUMNS.map((column) => `span.${column} = cells.${column}`).join(' AND ')})`;

interface Doomed {
  table: string;
  key: string;
  /** Further CTEs that do something with what is `gone`. */
  also: string[];
}

const columnsOf = (table: string, key: string): string =>
  key
    .split(', ')
    .map((column) => `${table}.${column}`)
    .join(', ');

async function deleteSome(tx: Tx, { table, key, also }: Doomed, where: string, values: unknown[]): Promise<boolean> {
  const [{ deleted }] = (await tx.manager.query(
    `WITH gone AS (
       DELETE FROM ${table} AS one
       USING (SELECT ${key} FROM ${table} WHERE tenant_id = $1 AND ${where} LIMIT ${AT_ONCE}) AS doomed
       WHERE one.tenant_id = $1 AND (${columnsOf('one', key)}) = (${columnsOf('doomed', key)})
       RETURNING one.*)${also.join('')}
     SELECT count(*)::int AS deleted FROM gone`,
    [tx.tenantId, ...values],
  )) as [{ deleted: number }];
  return deleted === AT_ONCE;
}
