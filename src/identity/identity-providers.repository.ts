import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import type { Tx } from '../platform/context/context.js';
import { isUniqueViolation } from '../platform/database/database-errors.js';
import type { Transactions } from '../platform/database/transactions.js';
import { NIL_UUID } from '../platform/ids.js';
import { IdentityProviderEntity } from './identity-provider.entity.js';
import { identityProviderNotFound, identityProviderTaken } from './identity-provider.errors.js';

export type IdentityProviderChanges = Partial<Omit<IdentityProviderEntity, 'tenantId' | 'id' | 'issuer' | 'createdAt'>>;

/** Of a token that nobody has checked yet, and of the header that came with it. */
export interface TokenOrigin {
  issuer: string;
  audiences: string[];
  subject: string;
  /** Undefined: the one tenant in which the person is a member, or that takes such tokens. */
  tenant: { id: string } | { slug: string } | undefined;
}

/** What a tenant takes tokens by. */
export type Registration = Pick<
  IdentityProviderEntity,
  'tenantId' | 'id' | 'roleClaim' | 'roleMapping' | 'defaultRole' | 'emailDomains' | 'directory'
> & { suspended: boolean };

/** Hexadecimal digits, so that nothing of the text can be taken for SQL. */
const literal = (text: string): string => `convert_from('\\x${Buffer.from(text).toString('hex')}', 'UTF8')`;

/** A literal statement, see Transactions.ask. */
function tenantsOfToken({ issuer, audiences, subject, tenant }: TokenOrigin): string {
  const id = tenant && 'id' in tenant ? `${literal(tenant.id)}::uuid` : 'NULL';
  const slug = tenant && 'slug' in tenant ? literal(tenant.slug) : 'NULL';
  return `
  SELECT tenant_id AS "tenantId", provider_id AS "providerId"
  FROM tenants_of_token(${literal(issuer)}, ARRAY[${audiences.map(literal).join(', ')}]::text[], ${literal(subject)},
                        ${id}, ${slug})`;
}

/** Another: both ids are UUIDs that the database gave. */
export const registration = (tenantId: string, providerId: string): string => `
  SELECT p.tenant_id AS "tenantId", p.id, p.role_claim AS "roleClaim", p.role_mapping AS "roleMapping",
         p.default_role AS "defaultRole", p.email_domains AS "emailDomains", p.directory,
         t.suspended_at IS NOT NULL AS suspended
  FROM identity_providers p
  JOIN tenants t ON t.id = p.tenant_id
  WHERE p.tenant_id = '${tenantId}' AND p.id = '${providerId}' AND t.deleted_at IS NULL`;

@Injectable()
export class IdentityProvidersRepository {
  async insert(tx: Tx, provider: IdentityProviderEntity): Promise<void> {
    await unlessTaken(tx.manager.insert(IdentityProviderEntity, provider));
  }

  async get(tx: Tx, id: string): Promise<IdentityProviderEntity> {
    const provider = await tx.manager.findOneBy(IdentityProviderEntity, { tenantId: tx.tenantId, id });
    if (!provider) throw identityProviderNotFound();
    return provider;
  }

  /** Reads a provider and holds it until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<IdentityProviderEntity> {
    const provider = await tx.manager.findOne(IdentityProviderEntity, {
      where: { tenantId: tx.tenantId, id },
      lock: { mode: 'pessimistic_write' },
    });
    if (!provider) throw identityProviderNotFound();
    return provider;
  }

  /** In order of creation, one more than asked for when there are more. */
  list(tx: Tx, limit: number, afterId: string | undefined): Promise<IdentityProviderEntity[]> {
    return tx.manager.find(IdentityProviderEntity, {
      where: { tenantId: tx.tenantId, ...(afterId && { id: MoreThan(afterId) }) },
      order: { id: 'ASC' },
      take: limit + 1,
    });
  }

  async update(tx: Tx, id: string, changes: IdentityProviderChanges): Promise<void> {
    await unlessTaken(tx.manager.update(IdentityProviderEntity, { tenantId: tx.tenantId, id }, changes));
  }

  async delete(tx: Tx, id: string): Promise<void> {
    await tx.manager.delete(IdentityProviderEntity, { tenantId: tx.tenantId, id });
    await tx.manager.query('DELETE FROM removed_identities WHERE tenant_id = $1 AND provider_id = $2', [
      tx.tenantId,
      id,
    ]);
  }

  /** What the one tenant takes this token by that it can be for; undefined where there is none, or more than one. */
  async registrationFor(transactions: Transactions, origin: TokenOrigin): Promise<Registration | undefined> {
    const tenants = await transactions.ask<{ tenantId: string; providerId: string }>(NIL_UUID, tenantsOfToken(origin));
    const [only] = tenants;
    if (!only || tenants.length > 1) return undefined;
    const sql = registration(only.tenantId, only.providerId);
    return (await transactions.ask<Registration>(only.tenantId, sql))[0];
  }
}

async function unlessTaken(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw isUniqueViolation(error, 'identity_providers_issuer') ? identityProviderTaken() : error;
  }
}
