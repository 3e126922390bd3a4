import { Injectable } from '@nestjs/common';
import { DomainsReader } from '../domains/domains.reader.js';
import { LinksReader } from '../links/links.reader.js';
import type { Tx } from '../platform/context/context.js';
import { dimensionsIn, type Filters } from './analytics.schemas.js';
import type { ClickFilter } from './question.js';
import type { ValueFilter } from './value-filter.js';

/** Names become ids; a link or domain that the tenant does not have is a 404, not a zero. */
@Injectable()
export class ClickFilters {
  constructor(
    private readonly links: LinksReader,
    private readonly domains: DomainsReader,
  ) {}

  async resolve(tx: Tx, query: Filters): Promise<ClickFilter> {
    const { domain, key, linkId, tag } = query;
    const filter = { dimensions: dimensionsIn(query), tags: tag, confinedTo: tx.restrictions };
    const [hostname] = domain?.include ?? [];
    if (key !== undefined && hostname !== undefined) {
      return { ...filter, links: { include: [await this.links.idOf(tx, hostname, key)], exclude: [] } };
    }
    return {
      ...filter,
      links: linkId && (await each(linkId, (id) => this.links.existing(tx, id))),
      domains: domain && (await each(domain, async (name) => (await this.domains.existing(tx, name)).id)),
    };
  }
}

/** One after the other: a transaction has one connection. */
async function each({ include, exclude }: ValueFilter, find: (name: string) => Promise<string>): Promise<ValueFilter> {
  const all = async (names: string[]): Promise<string[]> => {
    const found: string[] = [];
    for (const name of names) found.push(await find(name));
    return found;
  };
  return { include: await all(include), exclude: await all(exclude) };
}
