import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { isLocal, parseHostname } from '../platform/http/hostname.js';
import { domainNotFound, noDomain, unknownDomain } from './domain.errors.js';
import { DomainsRepository, type ShortDomain } from './domains.repository.js';

export type { ShortDomain };

/** Public address of a short link. Hosts on this machine have no certificate. */
export const shortLinkOf = (hostname: string, key: string): string =>
  `${isLocal(hostname) ? 'http' : 'https'}://${hostname}/${key.split('/').map(encodeURIComponent).join('/')}`;

@Injectable()
export class DomainsReader {
  constructor(private readonly domains: DomainsRepository) {}

  /** The domain a request names, or the tenant's primary one. @throws DomainError 422 when there is none */
  async forLink(tx: Tx, hostname: string | undefined): Promise<ShortDomain> {
    if (hostname === undefined) {
      const primary = await this.domains.findForLink(tx, { isPrimary: true });
      if (!primary) throw noDomain();
      return primary;
    }
    const parsed = parseHostname(hostname);
    const domain = parsed === undefined ? null : await this.domains.findForLink(tx, { hostname: parsed });
    if (!domain) throw unknownDomain(hostname);
    return domain;
  }

  async find(tx: Tx, hostname: string): Promise<ShortDomain | null> {
    const parsed = parseHostname(hostname);
    return parsed === undefined ? null : this.domains.findByHostname(tx, parsed);
  }

  /** @throws DomainError 404 when the tenant has no such domain */
  async existing(tx: Tx, hostname: string): Promise<ShortDomain> {
    const domain = await this.find(tx, hostname);
    if (!domain) throw domainNotFound();
    return domain;
  }

  count(tx: Tx): Promise<number> {
    return this.domains.count(tx);
  }

  get(tx: Tx, id: string): Promise<ShortDomain> {
    return this.domains.get(tx, id);
  }

  /** Those of these ids that are domains of the tenant. */
  knownIds(tx: Tx, ids: string[]): Promise<Set<string>> {
    return this.domains.knownIds(tx, ids);
  }
}
