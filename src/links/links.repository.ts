import { Injectable } from '@nestjs/common';
import type { SelectQueryBuilder } from 'typeorm';
import { isForeignKeyViolation, isUniqueViolation } from '../platform/database/database-errors.js';
import type { Tx } from '../platform/context/context.js';
import type { DomainError } from '../platform/http/domain-error.js';
import type { Position } from '../platform/http/pagination.js';
import { LinkEntity, LinkStatsEntity, type Link, TagEntity } from './link.entity.js';
import { domainGone, externalIdTaken, keyTaken, linkNotFound } from './link.errors.js';
import type { ListLinks } from './link.schemas.js';

export type LinkFilter = Pick<ListLinks, 'search' | 'tag' | 'archived' | 'sort' | 'order'> & { domainId?: string };

@Injectable()
export class LinksRepository {
  /** @returns false when the key is already used on the domain @throws DomainError 409 for a used externalId */
  async insert(tx: Tx, link: LinkEntity): Promise<boolean> {
    try {
      const [row] = (await tx.manager.query(INSERT, insertValues(link))) as [{ inserted: boolean }];
      return row.inserted;
    } catch (error) {
      throw refusal(error, link) ?? error;
    }
  }

  async setTags(tx: Tx, linkId: string, names: string[]): Promise<void> {
    await tx.manager.delete(TagEntity, { tenantId: tx.tenantId, linkId });
    await this.addTags(tx, linkId, names);
  }

  async addTags(tx: Tx, linkId: string, names: string[]): Promise<void> {
    if (names.length === 0) return;
    await tx.manager.insert(
      TagEntity,
      names.map((name) => ({ tenantId: tx.tenantId, linkId, name })),
    );
  }

  /** Reads a link and holds it until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<Link> {
    const entity = await tx.manager.findOne(LinkEntity, {
      where: { tenantId: tx.tenantId, id },
      lock: { mode: 'pessimistic_write' },
    });
    return this.complete(tx, entity);
  }

  async get(tx: Tx, id: string): Promise<Link> {
    return this.complete(tx, await tx.manager.findOneBy(LinkEntity, { tenantId: tx.tenantId, id }));
  }

  async getByKey(tx: Tx, domainId: string, key: string): Promise<Link> {
    return this.complete(tx, await tx.manager.findOneBy(LinkEntity, { tenantId: tx.tenantId, domainId, key }));
  }

  /** One more than asked for when there are more. */
  async list(tx: Tx, filter: LinkFilter, limit: number, after: Position | undefined): Promise<Link[]> {
    const query = tx.manager
      .createQueryBuilder(LinkEntity, 'link')
      .where('link.tenant_id = :tenantId', { tenantId: tx.tenantId });
    narrow(query, filter);
    inOrder(query, filter, after);
    return this.withDetails(tx, await query.limit(limit + 1).getMany());
  }

  async update(tx: Tx, link: Pick<Link, 'id' | 'domain' | 'key'>, changes: Partial<LinkEntity>): Promise<void> {
    try {
      await tx.manager.update(LinkEntity, { tenantId: tx.tenantId, id: link.id }, changes);
    } catch (error) {
      if (isUniqueViolation(error, 'links_domain_key')) throw keyTaken(link.domain, link.key);
      throw refusal(error, changes) ?? error;
    }
  }

  /** Its tags go with it. */
  async delete(tx: Tx, id: string): Promise<void> {
    await tx.manager.delete(LinkEntity, { tenantId: tx.tenantId, id });
    await tx.manager.delete(LinkStatsEntity, { tenantId: tx.tenantId, linkId: id });
  }

  private async complete(tx: Tx, entity: LinkEntity | null): Promise<Link> {
    const [link] = entity ? await this.withDetails(tx, [entity]) : [];
    if (!link) throw linkNotFound();
    return link;
  }

  private async withDetails(tx: Tx, links: LinkEntity[]): Promise<Link[]> {
    if (links.length === 0) return [];
    const ids = links.map((link) => link.id);
    const rows = (await tx.manager.query(DETAILS, [tx.tenantId, ids])) as DetailsRow[];
    const details = new Map(rows.map((row) => [row.id, row]));
    return links.map((link) => {
      const { hostname = '', clicks = '0', last_clicked_at = null, tags = [] } = details.get(link.id) ?? {};
      return { ...link, domain: hostname, clicks: Number(clicks), lastClickedAt: last_clicked_at, tags };
    });
  }
}

function refusal(error: unknown, { externalId }: Partial<LinkEntity>): DomainError | undefined {
  if (isUniqueViolation(error, 'links_external_id')) return externalIdTaken(externalId ?? '');
  return isForeignKeyViolation(error, 'links_domain_fkey') ? domainGone() : undefined;
}

function narrow(query: SelectQueryBuilder<LinkEntity>, { search, tag, archived, domainId }: LinkFilter): void {
  if (archived !== 'all') query.andWhere('link.archived = :archived', { archived: archived === 'true' });
  if (domainId) query.andWhere('link.domain_id = :domainId', { domainId });
  if (tag) {
    query.andWhere(
      'EXISTS (SELECT FROM tags t WHERE t.tenant_id = :tenantId AND t.link_id = link.id AND t.name = :tag)',
      {
        tag,
      },
    );
  }
  if (search) {
    // The expression is the indexed one, letter for letter.
    query.andWhere(`lower(link.key || ' ' || link.url || ' ' || coalesce(link.title, '')) LIKE :pattern`, {
      pattern: `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`,
    });
  }
}

function inOrder(
  query: SelectQueryBuilder<LinkEntity>,
  { sort, order }: LinkFilter,
  after: Position | undefined,
): void {
  const direction = order === 'asc' ? 'ASC' : 'DESC';
  const beyond = order === 'asc' ? '>' : '<';
  if (sort === 'created') {
    query.orderBy('link.id', direction);
    if (after) query.andWhere(`link.id ${beyond} :afterId`, { afterId: after[0] });
    return;
  }
  query
    .innerJoin(LinkStatsEntity, 'stats', 'stats.tenant_id = :tenantId AND stats.link_id = link.id')
    .orderBy('stats.clicks', direction)
    .addOrderBy('stats.link_id', direction);
  if (after) {
    query.andWhere(`(stats.clicks, stats.link_id) ${beyond} (:afterClicks::bigint, :afterId::uuid)`, {
      afterClicks: after[0],
      afterId: after[1],
    });
  }
}

const COLUMNS = [
  'tenant_id', 'id', 'domain_id', 'key', 'url', 'external_id', 'title', 'comments', 'starts_at', 'expires_at',
  'expired_url', 'max_clicks', 'redirect_status', 'forward_query', 'shared_max_age', 'archived', 'disabled_at',
  'created_by', 'created_at', 'updated_at',
]; // prettier-ignore

const insertValues = (link: LinkEntity): unknown[] => [
  link.tenantId, link.id, link.domainId, link.key, link.url, link.externalId, link.title, link.comments, link.startsAt,
  link.expiresAt, link.expiredUrl, link.maxClicks, link.redirectStatus, link.forwardQuery, link.sharedMaxAge,
  link.archived, link.disabledAt, link.createdBy, link.createdAt, link.updatedAt,
]; // prettier-ignore

// One round trip for the link and its counters. A used key is no error here, which would end the transaction: a
// generated code then tries the next number.
const INSERT = `
  WITH link AS (
    INSERT INTO links (${COLUMNS.join(', ')})
    VALUES (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})
    ON CONFLICT (tenant_id, domain_id, key) DO NOTHING
    RETURNING tenant_id, id
  ), stats AS (
    INSERT INTO link_stats (tenant_id, link_id, clicks) SELECT tenant_id, id, 0 FROM link
  )
  SELECT EXISTS (SELECT FROM link) AS inserted`;

interface DetailsRow {
  id: string;
  hostname: string;
  clicks: string;
  last_clicked_at: Date | null;
  tags: string[];
}

const DETAILS = `
  SELECT l.id, d.hostname, s.clicks, s.last_clicked_at,
         ARRAY(SELECT t.name FROM tags t WHERE t.tenant_id = $1 AND t.link_id = l.id ORDER BY t.name) AS tags
  FROM links l
  JOIN domains d ON d.tenant_id = $1 AND d.id = l.domain_id
  LEFT JOIN link_stats s ON s.tenant_id = $1 AND s.link_id = l.id
  WHERE l.tenant_id = $1 AND l.id = ANY ($2)`;
