import { Injectable } from '@nestjs/common';
import { getMetadataArgsStorage, type SelectQueryBuilder } from 'typeorm';
import { isForeignKeyViolation, isUniqueViolation } from '../platform/database/database-errors.js';
import type { Context, LinkRestrictions, Tx } from '../platform/context/context.js';
import type { AboutMany } from '../platform/database/questions.js';
import { literalUuid } from '../platform/database/set-tenant.js';
import type { Transactions } from '../platform/database/transactions.js';
import type { DomainError } from '../platform/http/domain-error.js';
import type { Position } from '../platform/http/pagination.js';
import { LinkEntity, LinkStatsEntity, type Link, TagEntity } from './link.entity.js';
import { domainGone, externalIdTaken, keyTaken, linkNotFound, linkTakenDown } from './link.errors.js';
import { isWithin } from './link-restrictions.js';
import type { ListLinks } from './link.schemas.js';

export type LinkFilter = Pick<ListLinks, 'search' | 'tag' | 'archived' | 'sort' | 'order'> & { domainId?: string };

/** A link outside the transaction's restrictions is not there, as another tenant's is not. */
@Injectable()
export class LinksRepository {
  /**
   * Inserts the link, its counters and its tags in one round trip.
   *
   * @returns false when the key is already used on the domain @throws DomainError 409 for a used externalId
   */
  async insert(tx: Tx, link: LinkEntity, tags: string[]): Promise<boolean> {
    try {
      const [row] = (await tx.manager.query(INSERT, [...insertValues(link), tags])) as [{ inserted: boolean }];
      return row.inserted;
    } catch (error) {
      throw refusal(error, link) ?? error;
    }
  }

  async setTags(tx: Tx, linkId: string, names: string[]): Promise<void> {
    await tx.manager.delete(TagEntity, { tenantId: tx.tenantId, linkId });
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
    // Row-level security gives one that was taken down to nobody who means to change it.
    if (!entity && (await this.get(tx, id)).takedown) throw linkTakenDown();
    return this.complete(tx, entity);
  }

  async get(tx: Tx, id: string): Promise<Link> {
    const [row] = (await tx.manager.query(shownLinks('$1', '$2'), [tx.tenantId, [id]])) as ShownRow[];
    return visible(tx, row && linkOf(row));
  }

  /** The same without a transaction around it. */
  async show(transactions: Transactions, ctx: Pick<Context, 'tenantId' | 'restrictions'>, id: string): Promise<Link> {
    const row = await transactions.askAbout<ShownRow>(ctx.tenantId, literalShownLinks, id);
    return visible(ctx, row && linkOf(row));
  }

  async getByKey(tx: Tx, domainId: string, key: string): Promise<Link> {
    return this.complete(tx, await tx.manager.findOneBy(LinkEntity, { tenantId: tx.tenantId, domainId, key }));
  }

  /** One more than asked for when there are more. */
  async list(tx: Tx, filter: LinkFilter, limit: number, after: Position | undefined): Promise<Link[]> {
    const query = tx.manager
      .createQueryBuilder(LinkEntity, 'link')
      .where('link.tenant_id = :tenantId', { tenantId: tx.tenantId });
    confine(query, tx.restrictions);
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
    return visible(tx, entity ? (await this.withDetails(tx, [entity]))[0] : undefined);
  }

  private async withDetails(tx: Tx, links: LinkEntity[]): Promise<Link[]> {
    if (links.length === 0) return [];
    const ids = links.map((link) => link.id);
    const rows = (await tx.manager.query(DETAILS, [tx.tenantId, ids])) as DetailsRow[];
    const details = new Map(rows.map((row) => [row.id, row]));
    return links.map((link) => {
      const row = details.get(link.id);
      return {
        ...link,
        domain: row?.hostname ?? '',
        clicks: Number(row?.clicks ?? 0),
        visitors: Number(row?.visitors ?? 0),
        lastClickedAt: row?.last_clicked_at ?? null,
        tags: row?.tags ?? [],
      };
    });
  }
}

function visible({ restrictions }: Pick<Context, 'restrictions'>, link: Link | undefined): Link {
  if (!link || !isWithin(link, restrictions)) throw linkNotFound();
  return link;
}

function refusal(error: unknown, { externalId }: Partial<LinkEntity>): DomainError | undefined {
  if (isUniqueViolation(error, 'links_external_id')) return externalIdTaken(externalId ?? '');
  return isForeignKeyViolation(error, 'links_domain_fkey') ? domainGone() : undefined;
}

function confine(query: SelectQueryBuilder<LinkEntity>, { domainIds, tags }: LinkRestrictions = {}): void {
  if (domainIds) query.andWhere('link.domain_id = ANY (:domainIds)', { domainIds });
  if (tags) {
    query.andWhere(
      'EXISTS (SELECT FROM tags t WHERE t.tenant_id = :tenantId AND t.link_id = link.id AND t.name = ANY (:ownTags))',
      { ownTags: tags },
    );
  }
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

const insertValues = (link: LinkEntity): unknown[] => [
  link.tenantId, link.id, link.domainId, link.key, link.url, link.externalId, link.title, link.comments, link.startsAt,
  link.expiresAt, link.expiredUrl, link.maxClicks, link.redirectStatus, link.forwardQuery, link.sharedMaxAge,
  link.archived, link.disabledAt, link.createdBy, link.createdAt, link.updatedAt,
]; // prettier-ignore

/** The function's arguments are the columns in this order, and the tags. */
const INSERT = `SELECT create_link(${Array.from({ length: 21 }, (_, at) => `$${at + 1}`).join(', ')}) AS inserted`;

type ShownRow = Omit<Link, 'maxClicks' | 'clicks' | 'visitors'> &
  Record<'maxClicks' | 'clicks' | 'visitors', string | null>;

const COLUMNS = getMetadataArgsStorage()
  .filterColumns(LinkEntity)
  .map(({ propertyName, options }) => `(shown.link).${options.name ?? propertyName} AS "${propertyName}"`);

/** Links with their details in one statement, by the names of their fields. */
const shownLinks = (tenant: string, ids: string): string => `
  SELECT ${COLUMNS.join(', ')}, hostname AS domain, clicks, visitors, last_clicked_at AS "lastClickedAt", tags
  FROM shown_links(${tenant}, ${ids}) AS shown`;

const literalShownLinks: AboutMany = (tenantId, ids) =>
  shownLinks(literalUuid(tenantId), `ARRAY[${ids.map(literalUuid).join(', ')}]::uuid[]`);

/** PostgreSQL gives bigint as text. */
const linkOf = (row: ShownRow): Link => ({
  ...row,
  maxClicks: row.maxClicks === null ? null : Number(row.maxClicks),
  clicks: Number(row.clicks ?? 0),
  visitors: Number(row.visitors ?? 0),
});

interface DetailsRow {
  id: string;
  hostname: string;
  clicks: string;
  visitors: string;
  last_clicked_at: Date | null;
  tags: string[];
}

const DETAILS = `
  SELECT l.id, d.hostname, s.clicks, s.visitors, s.last_clicked_at,
         ARRAY(SELECT t.name FROM tags t WHERE t.tenant_id = $1 AND t.link_id = l.id ORDER BY t.name) AS tags
  FROM links l
  JOIN domains d ON d.tenant_id = $1 AND d.id = l.domain_id
  LEFT JOIN link_stats s ON s.tenant_id = $1 AND s.link_id = l.id
  WHERE l.tenant_id = $1 AND l.id = ANY ($2)`;
