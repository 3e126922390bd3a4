import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import type { PlanLimits } from './plan-limits.js';

const LIMITS = `
  links_per_month AS "linksPerMonth", max_domains AS domains, max_members AS members,
  requests_per_minute AS "requestsPerMinute"`;

/** A literal statement, see Transactions.ask. Row-level security shows a tenant itself alone. */
export const OWN_RATE = `SELECT requests_per_minute AS "requestsPerMinute" FROM tenants`;

@Injectable()
export class PlansRepository {
  /** Counts links about to be created. @returns the limit, null: none; and where there is one, what is now used of it */
  async takeLinks(
    tx: Tx,
    month: string,
    platformLimit: number | null,
    count: number,
  ): Promise<{ limit: number | null; used: number }> {
    const [row] = (await tx.manager.query(
      'SELECT most AS "limit", used::float8 FROM take_links($1, $2::date, $3, $4)',
      [tx.tenantId, month, count, platformLimit],
    )) as [{ limit: number | null; used: number }];
    return row;
  }

  async links(tx: Tx, month: string): Promise<number> {
    const [row] = (await tx.manager.query(
      'SELECT coalesce(sum(links), 0)::float8 AS links FROM link_usage WHERE tenant_id = $1 AND month = $2::date',
      [tx.tenantId, month],
    )) as [{ links: number }];
    return row.links;
  }

  /** The tenant's own limits, held until the transaction ends: of those who count and then create, one at a time does. */
  async lockLimits(tx: Tx): Promise<PlanLimits> {
    const [row] = (await tx.manager.query(`SELECT ${LIMITS} FROM tenants WHERE id = $1 FOR NO KEY UPDATE`, [
      tx.tenantId,
    ])) as [PlanLimits];
    return row;
  }
}
