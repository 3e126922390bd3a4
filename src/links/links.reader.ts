import { Injectable } from '@nestjs/common';
import { DomainsReader } from '../domains/domains.reader.js';
import type { Tx } from '../platform/context/context.js';
import { canonicalKey, keyOfPath } from './link-key.js';
import { linkNotFound } from './link.errors.js';
import { LinksRepository } from './links.repository.js';

export { keyOfPath };

/** What other modules may ask of links. */
@Injectable()
export class LinksReader {
  constructor(
    private readonly links: LinksRepository,
    private readonly domains: DomainsReader,
  ) {}

  /** @throws DomainError 404 when the tenant has no such link */
  async idOf(tx: Tx, hostname: string, key: string): Promise<string> {
    const domain = await this.domains.find(tx, hostname);
    if (!domain) throw linkNotFound();
    return (await this.links.getByKey(tx, domain.id, canonicalKey(key, domain.caseSensitive))).id;
  }

  /** @throws DomainError 404 when the tenant has no such link */
  async existing(tx: Tx, id: string): Promise<string> {
    return (await this.links.get(tx, id)).id;
  }
}
