import { Injectable } from '@nestjs/common';
import { In, MoreThan, Not } from 'typeorm';
import { isForeignKeyViolation, isUniqueViolation } from '../platform/database/database-errors.js';
import type { Tx } from '../platform/context/context.js';
import { askOnce } from '../platform/database/ask-once.js';
import { DomainEntity } from './domain.entity.js';
import { domainInUse, domainNotFound, hostnameTaken } from './domain.errors.js';

export type DomainChanges = Partial<Omit<DomainEntity, 'tenantId' | 'id' | 'createdAt'>>;

/** What other modules may know of a domain. */
export type ShortDomain = Pick<DomainEntity, 'id' | 'hostname' | 'caseSensitive' | 'codeLength'>;

const FOR_LINK = `
  SELECT id, hostname, case_sensitive AS "caseSensitive", code_length AS "codeLength"
  FROM domain_for_link($1, $2) WHERE id IS NOT NULL`;

@Injectable()
export class DomainsRepository {
  async insert(tx: Tx, domain: DomainEntity): Promise<void> {
    try {
      await tx.manager.insert(DomainEntity, domain);
    } catch (error) {
      throw isUniqueViolation(error, 'domains_hostname') ? hostnameTaken(domain.hostname) : error;
    }
  }

  /** Reads a domain and holds it until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<DomainEntity> {
    const [, domain] = await Promise.all([
      tx.manager.query('SELECT hold_domain($1, $2)', [tx.tenantId, id]),
      this.get(tx, id),
    ]);
    return domain;
  }

  async get(tx: Tx, id: string): Promise<DomainEntity> {
    const domain = await tx.manager.findOneBy(DomainEntity, { tenantId: tx.tenantId, id });
    if (!domain) throw domainNotFound();
    return domain;
  }

  /** Those of these ids that are domains of the tenant. */
  async knownIds(tx: Tx, ids: string[]): Promise<Set<string>> {
    const domains = await tx.manager.find(DomainEntity, {
      where: { tenantId: tx.tenantId, id: In(ids) },
      select: { tenantId: true, id: true },
    });
    return new Set(domains.map(({ id }) => id));
  }

  findByHostname(tx: Tx, hostname: string): Promise<DomainEntity | null> {
    return tx.manager.findOneBy(DomainEntity, { tenantId: tx.tenantId, hostname });
  }

  findPrimary(tx: Tx): Promise<DomainEntity | null> {
    return tx.manager.findOneBy(DomainEntity, { tenantId: tx.tenantId, isPrimary: true });
  }

  /**
   * The domain of this name, or the primary one, for a link about to be put on it: until the transaction ends, it is
   * neither deleted nor does its rule on case change.
   */
  async findForLink(tx: Tx, which: { isPrimary: true } | { hostname: string }): Promise<ShortDomain | null> {
    const hostname = 'hostname' in which ? which.hostname : null;
    const ask = async () => (await tx.manager.query(FOR_LINK, [tx.tenantId, hostname])) as ShortDomain[];
    const [domain] = await askOnce(tx, `domain for a link ${hostname}`, ask);
    return domain ?? null;
  }

  /** In order of creation, one more than asked for when there are more. */
  list(tx: Tx, limit: number, afterId: string | undefined): Promise<DomainEntity[]> {
    return tx.manager.find(DomainEntity, {
      where: { tenantId: tx.tenantId, ...(afterId && { id: MoreThan(afterId) }) },
      order: { id: 'ASC' },
      take: limit + 1,
    });
  }

  async update(tx: Tx, id: string, changes: DomainChanges): Promise<void> {
    await tx.manager.update(DomainEntity, { tenantId: tx.tenantId, id }, changes);
  }

  /**
   * One at a time decides which domain is the primary one: two first domains must not both be. Taken before any domain
   * is locked, always: in both orders, two would wait for each other.
   */
  async lockPrimary(tx: Tx): Promise<void> {
    await tx.manager.query('SELECT hold_tenant($1)', [tx.tenantId]);
  }

  count(tx: Tx): Promise<number> {
    return tx.manager.countBy(DomainEntity, { tenantId: tx.tenantId });
  }

  hasOthers(tx: Tx, id: string): Promise<boolean> {
    return tx.manager.existsBy(DomainEntity, { tenantId: tx.tenantId, id: Not(id) });
  }

  async hasLinks(tx: Tx, id: string): Promise<boolean> {
    const [row] = (await tx.manager.query(
      'SELECT EXISTS (SELECT FROM links WHERE tenant_id = $1 AND domain_id = $2) AS used',
      [tx.tenantId, id],
    )) as [{ used: boolean }];
    return row.used;
  }

  async delete(tx: Tx, domain: DomainEntity): Promise<void> {
    try {
      await tx.manager.delete(DomainEntity, { tenantId: tx.tenantId, id: domain.id });
    } catch (error) {
      throw isForeignKeyViolation(error, 'links_domain_fkey') ? domainInUse(domain.hostname) : error;
    }
  }
}
