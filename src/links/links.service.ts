import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { ClickErasuresRecorder } from '../clicks/click-erasures.recorder.js';
import { type DestinationFlag, DestinationsReader } from '../destinations/destinations.reader.js';
import { DomainsReader, type ShortDomain } from '../domains/domains.reader.js';
import { Config } from '../platform/config/config.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { givenFields } from '../platform/http/patch.js';
import { newId, toPublicId } from '../platform/ids.js';
import { OutboxRecorder } from '../platform/outbox/outbox.recorder.js';
import { DeploymentKeys } from '../platform/secrets/deployment-keys.js';
import { linksCreated, linksDeleted } from '../platform/telemetry/metrics.js';
import { QuotasRecorder } from '../plans/quotas.recorder.js';
import type { Link, LinkEntity } from './link.entity.js';
import {
  alreadyTakenDown,
  codesExhausted,
  expiresBeforeStart,
  keyTaken,
  linkNotFound,
  clicksNotCounted,
  outsideRestrictions,
} from './link.errors.js';
import { canonicalKey } from './link-key.js';
import { isWithin } from './link-restrictions.js';
import {
  type CreateLink,
  type LinkInfo,
  type ListLinks,
  type Shorten,
  toLinkResponse,
  type UpdateLink,
} from './link.schemas.js';
import { LinksRepository } from './links.repository.js';
import { isOffensive, shortCode } from './short-code.js';
import { ShortCodeNumbers } from './short-code-numbers.js';

/** Codes tried before giving up; each miss means that somebody chose exactly that code as a key. */
const CODE_ATTEMPTS = 20;

@Injectable()
export class LinksService {
  constructor(
    private readonly transactions: Transactions,
    private readonly links: LinksRepository,
    private readonly domains: DomainsReader,
    private readonly numbers: ShortCodeNumbers,
    private readonly audit: AuditRecorder,
    private readonly outbox: OutboxRecorder,
    private readonly cursors: Cursors,
    private readonly keys: DeploymentKeys,
    private readonly erasures: ClickErasuresRecorder,
    private readonly destinations: DestinationsReader,
    private readonly config: Config,
    private readonly quotas: QuotasRecorder,
  ) {}

  async create(ctx: Context, input: CreateLink): Promise<Link> {
    check(input);
    const create = async (tx: Tx): Promise<Link> => {
      const [domain, refusal] = await Promise.all([
        this.domains.forLink(tx, input.domain),
        this.destinations.refusal(tx, destinationsOf(input)),
      ]);
      if (!isWithin({ domainId: domain.id, tags: input.tags }, tx.restrictions)) throw outsideRestrictions();
      if (refusal) throw refusal;
      await tx.unanswered;
      const link = await this.insert(tx, domain, newLink(ctx, domain, input), input);
      const counted = { clicks: 0, visitors: 0, lastClickedAt: null };
      const created: Link = { ...link, domain: domain.hostname, tags: input.tags, ...counted };
      await this.changed(tx, ctx, 'link.created', undefined, created);
      await this.quotas.takeLinks(tx);
      tx.afterCommit?.push(() => linksCreated.inc());
      return created;
    };
    return this.transactions.run(ctx, create, { readsFirst: true, together: true });
  }

  async shorten(ctx: Context, { ttl, ...input }: Shorten): Promise<Link> {
    const expiresAt = ttl === undefined ? null : new Date(Date.now() + ttl * 1000);
    return this.create(ctx, { ...DEFAULTS, ...input, expiresAt });
  }

  async get(ctx: Context, id: string): Promise<Link> {
    return this.links.show(this.transactions, ctx, id);
  }

  async getByKey(ctx: Context, { domain: hostname, key }: LinkInfo): Promise<Link> {
    return this.transactions.run(ctx, async (tx) => {
      const domain = await this.domains.find(tx, hostname);
      if (!domain) throw linkNotFound();
      return this.links.getByKey(tx, domain.id, canonicalKey(key, domain.caseSensitive));
    });
  }

  async list(ctx: Context, { limit, cursor, domain: hostname, ...filter }: ListLinks): Promise<Page<Link>> {
    const list = `links ${JSON.stringify([hostname, filter])}`;
    const after = this.cursors.read(ctx, list, cursor);
    const rows = await this.transactions.run(ctx, async (tx) => {
      if (hostname === undefined) return this.links.list(tx, filter, limit, after);
      const domain = await this.domains.find(tx, hostname);
      return domain ? this.links.list(tx, { ...filter, domainId: domain.id }, limit, after) : [];
    });
    return this.cursors.page(ctx, list, rows, limit, (link) =>
      filter.sort === 'created' ? [link.id] : [link.clicks, link.id],
    );
  }

  async update(ctx: Context, id: string, input: UpdateLink): Promise<Link> {
    return this.transactions.run(ctx, async (tx) => {
      const before = await this.links.lock(tx, id);
      const { domain: hostname, tags, ...changes } = givenFields(input);
      check({ ...before, ...changes });
      const switchedOn = before.disabledAt !== null && changes.disabledAt === null;
      await this.destinations.check(tx, destinationsOf(switchedOn ? { ...before, ...changes } : changes));
      const domain = await this.targetDomain(tx, before, hostname);
      const moved = { domainId: domain.id, key: canonicalKey(changes.key ?? before.key, domain.caseSensitive) };
      const entity = { ...changes, ...moved, ...checkedAnew(before, changes), updatedAt: new Date() };
      const after: Link = { ...before, ...entity, domain: domain.hostname, tags: tags ?? before.tags };
      if (!isWithin(after, tx.restrictions)) throw outsideRestrictions();
      await this.links.update(tx, after, entity);
      if (tags) await this.links.setTags(tx, id, tags);
      await this.changed(tx, ctx, 'link.updated', before, after);
      return after;
    });
  }

  async delete(ctx: Context, id: string): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      const link = await this.links.lock(tx, id);
      await this.links.delete(tx, id);
      await this.erasures.ofLink(tx, id);
      await this.changed(tx, ctx, 'link.deleted', link, undefined);
      tx.afterCommit?.push(() => linksDeleted.inc());
    });
  }

  /**
   * By the platform's operators: its tenant can not undo it.
   *
   * @param tx of operators, who work as the tenant
   */
  async takeDown(tx: Tx, ctx: Context, id: string, takedown: 'hidden' | 'warning', reason: string): Promise<Link> {
    const before = await this.links.lock(tx, id);
    if (before.takedown) throw alreadyTakenDown();
    return this.mark(tx, ctx, before, { takedown }, 'link.taken_down', reason);
  }

  async liftTakedown(tx: Tx, ctx: Context, id: string): Promise<Link> {
    return this.mark(tx, ctx, await this.links.lock(tx, id), { takedown: null }, 'link.takedown_lifted');
  }

  /**
   * Notes what has become wrong with a link's destination, and as the configuration has it switches the link off.
   *
   * @param seen the destinations that were looked at: if they are others by now, there is nothing to note
   */
  async flag(
    ctx: Context,
    id: string,
    seen: Pick<Link, 'url' | 'expiredUrl'>,
    flag: DestinationFlag | null,
  ): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      const before = await this.links.lock(tx, id);
      if (before.url !== seen.url || before.expiredUrl !== seen.expiredUrl || before.flag === flag) return;
      const disables = flag !== null && this.config.destinationMatches === 'disable' && before.disabledAt === null;
      if (disables) await this.mark(tx, ctx, before, { flag, disabledAt: new Date() }, 'link.disabled', flag);
      else await this.mark(tx, ctx, before, { flag }, 'link.flagged', flag ?? undefined);
    });
  }

  private async mark(
    tx: Tx,
    ctx: Context,
    before: Link,
    marks: Partial<Pick<LinkEntity, 'takedown' | 'flag' | 'disabledAt'>>,
    action: `link.${string}`,
    reason?: string,
  ): Promise<Link> {
    const after = { ...before, ...marks, updatedAt: new Date() };
    await this.links.update(tx, after, { ...marks, updatedAt: after.updatedAt });
    await this.changed(tx, ctx, action, before, after, reason);
    return after;
  }

  private targetDomain(tx: Tx, link: Link, hostname: string | undefined): Promise<ShortDomain> {
    return hostname === undefined ? this.domains.get(tx, link.domainId) : this.domains.forLink(tx, hostname);
  }

  /** Inserts with the key asked for, or with the next code that nobody has. */
  private async insert(
    tx: Tx,
    domain: ShortDomain,
    link: LinkEntity,
    { key, tags }: Pick<CreateLink, 'key' | 'tags'>,
  ): Promise<LinkEntity> {
    if (key !== undefined) {
      const keyed = { ...link, key: canonicalKey(key, domain.caseSensitive) };
      if (!(await this.links.insert(tx, keyed, tags))) throw keyTaken(domain.hostname, keyed.key);
      return keyed;
    }
    for (let attempt = 0; attempt < CODE_ATTEMPTS; attempt++) {
      const coded = { ...link, key: await this.nextCode(tx, domain) };
      if (await this.links.insert(tx, coded, tags)) return coded;
    }
    throw codesExhausted(domain.hostname);
  }

  private async nextCode(tx: Tx, domain: ShortDomain): Promise<string> {
    const space = {
      key: this.keys.codes,
      domainId: domain.id,
      caseSensitive: domain.caseSensitive,
      length: domain.codeLength,
    };
    for (;;) {
      const code = shortCode(await this.numbers.next(tx), space);
      if (!isOffensive(code)) return code;
    }
  }

  private async changed(
    tx: Tx,
    ctx: Context,
    action: `link.${string}`,
    before?: Link,
    after?: Link,
    reason?: string,
  ): Promise<void> {
    await this.audit.record(tx, ctx, {
      action,
      target: toPublicId('link', (after ?? before)?.id ?? ''),
      ...(before && { before: toLinkResponse(before) }),
      ...(after && { after: { ...toLinkResponse(after), ...(reason !== undefined && { reason }) } }),
    });
    // Both the old and the new address, so that caches forget either.
    const addresses = [before, after].filter((link) => link !== undefined).map(({ domain, key }) => ({ domain, key }));
    await this.outbox.append(tx, ctx, action, { addresses });
  }
}

const destinationsOf = ({ url, expiredUrl }: { url?: string; expiredUrl?: string | null }) => ({
  '/url': url,
  '/expiredUrl': expiredUrl,
});

/** A destination that has just been checked has nothing wrong with it. */
const checkedAnew = (before: Link, { url, expiredUrl, disabledAt }: Partial<LinkEntity>): Partial<LinkEntity> =>
  (url !== undefined && url !== before.url) ||
  (expiredUrl !== undefined && expiredUrl !== before.expiredUrl) ||
  disabledAt === null
    ? { flag: null }
    : {};

const DEFAULTS = {
  externalId: null,
  title: null,
  comments: null,
  tags: [],
  startsAt: null,
  expiredUrl: null,
  maxClicks: null,
  redirectStatus: 302,
  forwardQuery: false,
  sharedMaxAge: null,
  archived: false,
  disabledAt: null,
} as const satisfies Partial<CreateLink>;

function newLink(
  ctx: Context,
  domain: ShortDomain,
  { domain: _domain, tags: _tags, ...input }: CreateLink,
): LinkEntity {
  const now = new Date();
  return {
    ...input,
    tenantId: ctx.tenantId,
    id: newId(),
    domainId: domain.id,
    key: '',
    flag: null,
    takedown: null,
    createdBy: ctx.actor,
    createdAt: now,
    updatedAt: now,
  };
}

type Limits = Pick<LinkEntity, 'startsAt' | 'expiresAt' | 'maxClicks' | 'sharedMaxAge'>;

/** What no field can tell by itself. */
function check({ startsAt, expiresAt, maxClicks, sharedMaxAge }: Limits): void {
  if (startsAt && expiresAt && expiresAt <= startsAt) throw expiresBeforeStart();
  if (maxClicks !== null && sharedMaxAge !== null) throw clicksNotCounted();
}
