import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { raisedDetail } from '../platform/database/database-errors.js';
import { writeAtCommit } from '../platform/database/write-at-commit.js';
import type { PlanLimits } from './plan-limits.js';

const LIMITS = `
  links_per_month AS "linksPerMonth", max_domains AS domains, max_members AS members,
  requests_per_minute AS "requestsPerMinute"`;

/** SQLSTATE of `count_links`. */
const QUOTA_EXCEEDED = 'WP402';

/** A literal statement, see Transactions.ask. Row-level security shows a tenant itself alone. */
export const OWN_RATE = `SELECT requests_per_minute AS "requestsPerMinute" FROM tenants`;

/** Where the count stands among the arguments of `count_links`. */
const COUNT = 2;

@Injectable()
export class PlansRepository {
  /**
   * Counts links about to be created, at the commit: where there is a limit, other creators of the tenant wait from then.
   *
   * @param refuse what is thrown when they are more than the limit lets, and `used` were counted before
   */
  async takeLinks(
    tx: Tx,
    month: string,
    platformLimit: number | null,
    count: number,
    refuse: (quota: { limit: number; used: number }) => Error,
  ): Promise<void> {
    await writeAtCommit(tx, {
      call: 'count_links',
      values: [tx.tenantId, month, count, platformLimit],
      adds: COUNT,
      refusal: (error) => {
        const detail = raisedDetail(error, QUOTA_EXCEEDED);
        return detail === undefined ? undefined : refuse(JSON.parse(detail) as { limit: number; used: number });
      },
    });
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
    const [, [row]] = (await Promise.all([
      tx.manager.query('SELECT hold_tenant($1)', [tx.tenantId]),
      tx.manager.query(`SELECT ${LIMITS} FROM tenants WHERE id = $1`, [tx.tenantId]),
    ])) as [unknown, [PlanLimits]];
    return row;
  }
}
