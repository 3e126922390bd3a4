import { Injectable } from '@nestjs/common';
import { ResolverDatabase } from '../platform/database/resolver-database.js';
import { plainAnswer } from './plain-answer.js';
import type { DomainTarget, LinkTarget } from './redirect-target.js';
import type { Confirmed } from './target-cache.js';

const DOMAIN = `
  SELECT tenant_id AS "tenantId", domain_id AS "domainId", case_sensitive AS "caseSensitive",
         root_url AS "rootUrl", not_found_url AS "notFoundUrl", expired_url AS "expiredUrl"
  FROM resolver_domains
  WHERE hostname = $1`;

const LINK = `
  SELECT tenant_id AS "tenantId", domain_id AS "domainId", link_id AS "linkId", url,
         starts_at AS "startsAt", expires_at AS "expiresAt", expired_url AS "expiredUrl",
         max_clicks::float8 AS "maxClicks", coalesce(clicks, 0)::float8 AS clicks,
         redirect_status AS "redirectStatus", forward_query AS "forwardQuery", disabled_at AS "disabledAt",
         shared_max_age AS "sharedMaxAge"
  FROM resolver_links
  WHERE tenant_id = $1 AND domain_id = $2 AND key = $3`;

/**
 * The resolver's views: one pruned, prepared statement each.
 *
 * `current` asks for what is true now, where a replica that lags behind would do otherwise.
 */
@Injectable()
export class RedirectTargetsRepository {
  constructor(private readonly database: ResolverDatabase) {}

  async findDomain(hostname: string, current: boolean): Promise<Confirmed<DomainTarget>> {
    const { row, ...confirmed } = await this.ask<DomainTarget>(current, 'resolve-domain', DOMAIN, [hostname]);
    return { value: row ?? null, ...confirmed };
  }

  async findLink({ tenantId, domainId }: DomainTarget, key: string, current: boolean): Promise<Confirmed<LinkTarget>> {
    const values = [tenantId, domainId, key];
    const { row, ...confirmed } = await this.ask<Omit<LinkTarget, 'plain'>>(current, 'resolve-link', LINK, values);
    return { value: row ? { ...row, plain: plainAnswer(row) } : null, ...confirmed };
  }

  warmUp(): Promise<void> {
    return this.database.warmUp();
  }

  async ping(): Promise<void> {
    await this.database.query('ping', 'SELECT 1', []);
  }

  private async ask<Row extends object>(
    current: boolean,
    ...statement: [name: string, text: string, values: unknown[]]
  ): Promise<{ row: Row | undefined; confirmedAt: number; provisional: boolean }> {
    // When it was asked: what was changed after that may be missing in the answer.
    const confirmedAt = Date.now();
    if (!current) {
      const [row] = await this.database.query<Row>(...statement);
      return { row, confirmedAt, provisional: false };
    }
    const { rows, current: isCurrent } = await this.database.queryCurrent<Row>(...statement);
    return { row: rows[0], confirmedAt, provisional: !isCurrent };
  }
}
