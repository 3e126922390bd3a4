import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { givenFields } from '../platform/http/patch.js';
import { newId, toPublicId } from '../platform/ids.js';
import { isLocalProvider } from '../platform/tokens/issuer.js';
import { ProviderKeys } from '../platform/tokens/provider-keys.js';
import { ActorsReader } from './actors.reader.js';
import type { IdentityProviderEntity } from './identity-provider.entity.js';
import { issuerNotHttps, roleClaimNeeded } from './identity-provider.errors.js';
import {
  type CreateIdentityProvider,
  type ListIdentityProviders,
  toIdentityProviderResponse,
  type UpdateIdentityProvider,
} from './identity-provider.schemas.js';
import { IdentityProvidersRepository } from './identity-providers.repository.js';
import { roleAboveYours } from './member.errors.js';
import { exceeds, type Role } from './permissions.js';

@Injectable()
export class IdentityProvidersService {
  constructor(
    private readonly transactions: Transactions,
    private readonly providers: IdentityProvidersRepository,
    private readonly actors: ActorsReader,
    private readonly keys: ProviderKeys,
    private readonly audit: AuditRecorder,
    private readonly cursors: Cursors,
  ) {}

  async create(ctx: Context, input: CreateIdentityProvider): Promise<IdentityProviderEntity> {
    if (isLocalProvider(new URL(input.issuer)) && !this.keys.takesLocalProviders) throw issuerNotHttps();
    return this.transactions.run(ctx, async (tx) => {
      const now = new Date();
      const provider = { ...input, tenantId: tx.tenantId, id: newId(), createdAt: now, updatedAt: now };
      const { permissions } = await this.actors.holding(tx, ctx, 'identity-providers:write');
      assertGivable(permissions, provider);
      await this.providers.insert(tx, provider);
      await this.changed(tx, ctx, 'created', undefined, provider);
      return provider;
    });
  }

  async list(ctx: Context, { limit, cursor }: ListIdentityProviders): Promise<Page<IdentityProviderEntity>> {
    const [afterId] = this.cursors.read(ctx, 'identity-providers', cursor) ?? [];
    const rows = await this.transactions.run(ctx, (tx) =>
      this.providers.list(tx, limit, afterId as string | undefined),
    );
    return this.cursors.page(ctx, 'identity-providers', rows, limit, (provider) => [provider.id]);
  }

  async get(ctx: Context, id: string): Promise<IdentityProviderEntity> {
    return this.transactions.run(ctx, (tx) => this.providers.get(tx, id));
  }

  async update(ctx: Context, id: string, input: UpdateIdentityProvider): Promise<IdentityProviderEntity> {
    return this.transactions.run(ctx, async (tx) => {
      const { permissions } = await this.actors.holding(tx, ctx, 'identity-providers:write');
      const before = await this.providers.lock(tx, id);
      const changes = { ...givenFields(input), updatedAt: new Date() };
      const after = { ...before, ...changes };
      assertGivable(permissions, after);
      await this.providers.update(tx, id, changes);
      await this.changed(tx, ctx, 'updated', before, after);
      return after;
    });
  }

  /** Its tokens open nothing from then on. Its members stay until somebody removes them: with no way in. */
  async delete(ctx: Context, id: string): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      const before = await this.providers.lock(tx, id);
      await this.providers.delete(tx, id);
      await this.changed(tx, ctx, 'deleted', before, undefined);
    });
  }

  private async changed(
    tx: Tx,
    ctx: Context,
    action: string,
    before?: IdentityProviderEntity,
    after?: IdentityProviderEntity,
  ): Promise<void> {
    const { id } = (after ?? before) as IdentityProviderEntity;
    await this.audit.record(tx, ctx, {
      action: `identity_provider.${action}`,
      target: toPublicId('idp', id),
      ...(before && { before: toIdentityProviderResponse(before) }),
      ...(after && { after: toIdentityProviderResponse(after) }),
    });
  }
}

/** Whoever says who gets which role could otherwise get any. */
function assertGivable(permissions: ReadonlySet<string>, provider: IdentityProviderEntity): void {
  const { roleClaim, roleMapping } = provider;
  if (Object.keys(roleMapping).length > 0 && roleClaim === null) throw roleClaimNeeded();
  const above = givenBy(provider).find((role) => exceeds(role, permissions));
  if (above) throw roleAboveYours(above);
}

/**
 * Which roles its tokens can open. By an address or an attribute of the directory they take up invitations and become
 * people who were provisioned, of whatever role: the highest there is.
 */
const givenBy = ({ roleMapping, defaultRole, emailDomains, directory }: IdentityProviderEntity): Role[] => [
  ...Object.values(roleMapping),
  ...(defaultRole ? [defaultRole] : []),
  ...(emailDomains.length > 0 || directory !== null ? (['owner'] as const) : []),
];
