import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ResolverDatabase } from '../platform/database/resolver-database.js';
import { linkTargetOf } from './plain-answer.js';
import type { DomainTarget, LinkTarget, StoredLink } from './redirect-target.js';
import type { Confirmed } from './target-cache.js';

const DOMAIN = `
  SELECT tenant_id AS "tenantId", domain_id AS "domainId", case_sensitive AS "caseSensitive",
         root_url AS "rootUrl", not_found_url AS "notFoundUrl", expired_url AS "expiredUrl"
  FROM resolver_domains
  WHERE hostname = $1`;

/**
 * A key is asked for as a range in order: of all indexes that begin with the tenant only that of keys gives it, so no other
 * is used, whatever is known of how many links a domain has. Nor can the counters be joined otherwise than by the link's
 * id. So it may be planned once for all tenants.
 */
const LINKS = `
  SELECT found.key, tenant_id AS "tenantId", domain_id AS "domainId", link_id AS "linkId", url,
         starts_at AS "startsAt", expires_at AS "expiresAt", expired_url AS "expiredUrl", max_clicks::float8 AS "maxClicks",
         coalesce((SELECT s.clicks + s.bots FROM link_stats s WHERE s.tenant_id = $1 AND s.link_id = found.link_id), 0)::float8
           AS clicks,
         redirect_status AS "redirectStatus", forward_query AS "forwardQuery", disabled_at AS "disabledAt",
         shared_max_age AS "sharedMaxAge", takedown
  FROM unnest($3::text[]) AS asked (key)
  CROSS JOIN LATERAL (
    SELECT * FROM resolver_links
    WHERE tenant_id = $1 AND domain_id = $2 AND key BETWEEN asked.key AND asked.key ORDER BY key LIMIT 1) AS found`;

const MOST_KEYS = 100;

type LinkRow = StoredLink & { key: string };

interface Answer<Row> {
  rows: Row[];
  confirmedAt: number;
  provisional: boolean;
}

/** Keys of one domain that are asked for together. */
interface Batch {
  keys: string[];
  answer: Promise<Answer<LinkRow>>;
}

/**
 * The resolver's views: one pruned, prepared statement each.
 *
 * `current` asks for what is true now, where a replica that lags behind would do otherwise.
 */
@Injectable()
export class RedirectTargetsRepository {
  /** Those that are still being filled, by what their keys have in common. */
  private readonly batches = new Map<string, Batch>();

  constructor(private readonly database: ResolverDatabase) {}

  async findDomain(hostname: string, current: boolean): Promise<Confirmed<DomainTarget>> {
    const { rows, ...confirmed } = await this.ask<DomainTarget>(current, 'resolve-domain', DOMAIN, [hostname]);
    return { value: rows[0] ?? null, ...confirmed };
  }

  /** Keys of a domain that are asked for in one turn of the event loop share a statement: most of its cost is the trip. */
  async findLink(domain: DomainTarget, key: string, current: boolean): Promise<Confirmed<LinkTarget>> {
    const common = `${domain.tenantId} ${domain.domainId} ${current}`;
    const batch = this.batches.get(common) ?? this.newBatch(common, domain, current);
    batch.keys.push(key);
    if (batch.keys.length === MOST_KEYS) this.batches.delete(common);
    const { rows, ...confirmed } = await batch.answer;
    const row = rows.find((found) => found.key === key);
    return { value: row ? linkTargetOf(row) : null, ...confirmed };
  }

  private newBatch(common: string, { tenantId, domainId }: DomainTarget, current: boolean): Batch {
    const keys: string[] = [];
    const answer = nextTurn().then(() => {
      if (this.batches.get(common) === batch) this.batches.delete(common);
      return this.ask<LinkRow>(current, 'resolve-link', LINKS, [tenantId, domainId, keys]);
    });
    const batch = { keys, answer };
    this.batches.set(common, batch);
    return batch;
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
  ): Promise<Answer<Row>> {
    // When it was asked: what was changed after that may be missing in the answer.
    const confirmedAt = Date.now();
    if (!current) return { rows: await this.database.query<Row>(...statement), confirmedAt, provisional: false };
    const { rows, current: isCurrent } = await this.database.queryCurrent<Row>(...statement);
    return { rows, confirmedAt, provisional: !isCurrent };
  }
}
