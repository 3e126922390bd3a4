import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { DestinationsReader } from '../destinations/destinations.reader.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { givenFields } from '../platform/http/patch.js';
import { newId, toPublicId } from '../platform/ids.js';
import { OutboxRecorder } from '../platform/outbox/outbox.recorder.js';
import { QuotasRecorder } from '../plans/quotas.recorder.js';
import type { DomainEntity } from './domain.entity.js';
import { caseRuleFixed, primaryNeeded } from './domain.errors.js';
import { type CreateDomain, type ListDomains, toDomainResponse, type UpdateDomain } from './domain.schemas.js';
import { DomainVerifier } from './domain-verifier.js';
import { type DomainChanges, DomainsRepository } from './domains.repository.js';
import { afterCheck } from './verification.js';

const PLACES = ['rootUrl', 'notFoundUrl', 'expiredUrl'] as const;
type Place = (typeof PLACES)[number];
/** What visitors can tell, besides whether it is verified. */
const SERVED = ['caseSensitive', ...PLACES] as const;

@Injectable()
export class DomainsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly domains: DomainsRepository,
    private readonly verifier: DomainVerifier,
    private readonly audit: AuditRecorder,
    private readonly outbox: OutboxRecorder,
    private readonly cursors: Cursors,
    private readonly destinations: DestinationsReader,
    private readonly quotas: QuotasRecorder,
  ) {}

  async create(ctx: Context, { primary, ...input }: CreateDomain): Promise<DomainEntity> {
    return this.transactions.run(ctx, async (tx) => {
      await this.quotas.makeRoom(tx, 'domains', () => this.domains.count(tx));
      await this.domains.lockPrimary(tx);
      const first = (await this.domains.findPrimary(tx)) === null;
      if (primary) await this.demotePrimary(tx, ctx);
      const now = new Date();
      const domain: DomainEntity = {
        ...input,
        tenantId: tx.tenantId,
        id: newId(),
        isPrimary: primary === true || first,
        verificationToken: randomBytes(16).toString('base64url'),
        verifiedAt: this.verifier.needsNoProof(input.hostname) ? now : null,
        checkedAt: null,
        checkError: null,
        failingSince: null,
        createdAt: now,
        updatedAt: now,
      };
      await this.domains.insert(tx, domain);
      // Now that its own hostname is one of the short domains, too.
      await this.destinations.check(tx, destinationsOf(domain));
      await this.changed(tx, ctx, 'created', undefined, domain);
      return domain;
    });
  }

  async list(ctx: Context, { limit, cursor }: ListDomains): Promise<Page<DomainEntity>> {
    const [afterId] = this.cursors.read(ctx, 'domains', cursor) ?? [];
    const rows = await this.transactions.run(ctx, (tx) => this.domains.list(tx, limit, afterId as string | undefined));
    return this.cursors.page(ctx, 'domains', rows, limit, (domain) => [domain.id]);
  }

  async get(ctx: Context, id: string): Promise<DomainEntity> {
    return this.transactions.run(ctx, (tx) => this.domains.get(tx, id));
  }

  async update(ctx: Context, id: string, { primary, ...settings }: UpdateDomain): Promise<DomainEntity> {
    return this.transactions.run(ctx, async (tx) => {
      if (primary) await this.domains.lockPrimary(tx);
      const before = await this.domains.lock(tx, id);
      if (primary === false && before.isPrimary) throw primaryNeeded();
      const changesCase = settings.caseSensitive !== undefined && settings.caseSensitive !== before.caseSensitive;
      if (changesCase && (await this.domains.hasLinks(tx, id))) throw caseRuleFixed(before.hostname);
      await this.destinations.check(tx, destinationsOf(settings));
      if (primary && !before.isPrimary) await this.demotePrimary(tx, ctx);
      return this.apply(tx, ctx, before, { ...givenFields(settings), ...(primary && { isPrimary: true }) }, 'updated');
    });
  }

  /** Looks at DNS now. */
  async verify(ctx: Context, id: string): Promise<DomainEntity> {
    // In a transaction of its own: that of an idempotent request would hold a connection for as long as DNS takes.
    const { hostname, verificationToken } = await this.get({ ...ctx, tx: undefined }, id);
    const verdict = await this.verifier.check(hostname, verificationToken);
    return this.transactions.run(ctx, async (tx) => {
      const before = await this.domains.lock(tx, id);
      const changes = afterCheck(before, verdict, new Date());
      const action =
        (changes.verifiedAt === null) === (before.verifiedAt === null) ? 'checked' : 'verification_changed';
      return this.apply(tx, ctx, before, changes, action);
    });
  }

  /** Takes away those of a domain's places that are still these. */
  async clearPlaces(ctx: Context, id: string, seen: Partial<Pick<DomainEntity, Place>>): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      const before = await this.domains.lock(tx, id);
      const same = PLACES.filter((place) => seen[place] && seen[place] === before[place]);
      if (same.length === 0) return;
      await this.apply(tx, ctx, before, Object.fromEntries(same.map((place) => [place, null])), 'updated');
    });
  }

  async delete(ctx: Context, id: string): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      await this.domains.lockPrimary(tx);
      const domain = await this.domains.lock(tx, id);
      // A link that names no domain needs a primary one, as long as there is any.
      if (domain.isPrimary && (await this.domains.hasOthers(tx, id))) throw primaryNeeded();
      await this.domains.delete(tx, domain);
      await this.changed(tx, ctx, 'deleted', domain, undefined);
    });
  }

  /** Makes room for another primary domain. */
  private async demotePrimary(tx: Tx, ctx: Context): Promise<void> {
    const primary = await this.domains.findPrimary(tx);
    if (primary) await this.apply(tx, ctx, primary, { isPrimary: false }, 'updated');
  }

  private async apply(
    tx: Tx,
    ctx: Context,
    before: DomainEntity,
    changes: DomainChanges,
    action: string,
  ): Promise<DomainEntity> {
    const after = { ...before, ...changes, updatedAt: new Date() };
    await this.domains.update(tx, before.id, { ...changes, updatedAt: after.updatedAt });
    // A check that found what was known is no change: it would fill the audit trail with nothing.
    if (action !== 'checked') await this.changed(tx, ctx, action, before, after);
    return after;
  }

  private async changed(
    tx: Tx,
    ctx: Context,
    action: string,
    before?: DomainEntity,
    after?: DomainEntity,
  ): Promise<void> {
    const domain = (after ?? before) as DomainEntity;
    await this.audit.record(tx, ctx, {
      action: `domain.${action}`,
      target: toPublicId('dom', domain.id),
      ...(before && { before: toDomainResponse(before) }),
      ...(after && { after: toDomainResponse(after) }),
    });
    // Else each redirect process would ask anew for all links of the domain, as often as its owner likes.
    if (!before || !after || !servesAlike(before, after)) {
      await this.outbox.append(tx, ctx, `domain.${action}`, { hostname: domain.hostname });
    }
  }
}

const servesAlike = (before: DomainEntity, after: DomainEntity): boolean =>
  (before.verifiedAt === null) === (after.verifiedAt === null) && SERVED.every((name) => before[name] === after[name]);

const destinationsOf = ({
  rootUrl,
  notFoundUrl,
  expiredUrl,
}: Pick<UpdateDomain, 'rootUrl' | 'notFoundUrl' | 'expiredUrl'>) => ({
  '/rootUrl': rootUrl,
  '/notFoundUrl': notFoundUrl,
  '/expiredUrl': expiredUrl,
});
