import { Injectable } from '@nestjs/common';
import { ResolverDatabase } from '../platform/database/resolver-database.js';
import { plainAnswer } from './plain-answer.js';
import type { DomainTarget, LinkTarget } from './redirect-target.js';

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

/** The resolver's views: one pruned, prepared statement each. */
@Injectable()
export class RedirectTargetsRepository {
  constructor(private readonly database: ResolverDatabase) {}

  async findDomain(hostname: string): Promise<DomainTarget | null> {
    const [row] = await this.database.query<DomainTarget>('resolve-domain', DOMAIN, [hostname]);
    return row ?? null;
  }

  async findLink({ tenantId, domainId }: DomainTarget, key: string): Promise<LinkTarget | null> {
    const [row] = await this.database.query<Omit<LinkTarget, 'plain'>>('resolve-link', LINK, [tenantId, domainId, key]);
    return row ? { ...row, plain: plainAnswer(row) } : null;
  }

  warmUp(): Promise<void> {
    return this.database.warmUp();
  }

  async ping(): Promise<void> {
    await this.database.query('ping', 'SELECT 1', []);
  }
}
