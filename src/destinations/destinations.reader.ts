import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Tx } from '../platform/context/context.js';
import type { DomainError } from '../platform/http/domain-error.js';
import { isLocal } from '../platform/http/hostname.js';
import { NIL_UUID } from '../platform/ids.js';
import { type DestinationFault, refusedDestination } from './destination.errors.js';
import { CompiledPolicy, NO_POLICY } from './destination-policy.js';
import { DestinationsRepository } from './destinations.repository.js';
import { ReputationFeed } from './reputation-feed.js';

export { suspicionOf } from './suspicious-host.js';

/** By the field that has it, as a JSON Pointer. */
type Destinations = Record<`/${string}`, string | null | undefined>;

/** What the nightly look at destinations finds. */
export type DestinationFlag = 'destination_listed' | 'destination_denied';

/** Whether visitors may be led somewhere. */
@Injectable()
export class DestinationsReader {
  private readonly compiled = new LRUCache<string, CompiledPolicy>({ max: 1_000 });

  constructor(
    private readonly destinations: DestinationsRepository,
    private readonly feed: ReputationFeed,
  ) {}

  /** @throws DomainError 422 that says which may not be used, and why */
  async check(tx: Tx, destinations: Destinations): Promise<void> {
    const refusal = await this.refusal(tx, destinations);
    if (refusal) throw refusal;
  }

  /** What `check` would throw, for whoever asks for something else meanwhile. */
  async refusal(tx: Tx, destinations: Destinations): Promise<DomainError | undefined> {
    const given = Object.entries(destinations).flatMap(([pointer, text]) =>
      text ? [{ pointer, url: new URL(text) }] : [],
    );
    if (given.length === 0) return undefined;
    const { shortDomains, policies } = await this.destinations.facts(
      tx,
      given.map(({ url }) => shortHost(url)),
    );
    const inForce = await Promise.all(policies.map((known) => this.policyOf(tx, known)));
    for (const { pointer, url } of given) {
      const fault = shortDomains.includes(shortHost(url)) ? 'destination_loops' : this.faultOf(url, inForce);
      if (fault) return refusedDestination(pointer, fault, url);
    }
    return undefined;
  }

  /** The platform's own policy, for a look at many destinations. */
  async platformPolicy(tx: Tx): Promise<CompiledPolicy> {
    return new CompiledPolicy((await this.destinations.policy(tx, NIL_UUID)) ?? NO_POLICY);
  }

  /** What has become wrong with destinations since they were checked: by the reputation feed, or the platform's policy. */
  flagOf(destinations: Array<string | null>, platform: CompiledPolicy): DestinationFlag | null {
    const fault = destinations
      .map((text) => (text === null ? undefined : this.faultOf(new URL(text), [platform])))
      .find((fault) => fault !== undefined);
    if (fault === undefined) return null;
    return fault === 'destination_listed' ? fault : 'destination_denied';
  }

  private faultOf(url: URL, policies: CompiledPolicy[]): DestinationFault | undefined {
    if (this.feed.lists(url)) return 'destination_listed';
    return policies.map((policy) => policy.refusalOf(url)).find((refusal) => refusal !== undefined);
  }

  private async policyOf(
    tx: Tx,
    { tenantId, version }: { tenantId: string; version: string },
  ): Promise<CompiledPolicy> {
    const known = this.compiled.get(version);
    if (known) return known;
    const compiled = new CompiledPolicy((await this.destinations.policy(tx, tenantId)) ?? NO_POLICY);
    this.compiled.set(version, compiled);
    return compiled;
  }
}

/** The host as short domains are kept: localhost with another port is another host, and DNS takes `go.example.com.` for the same. */
function shortHost({ hostname, port }: URL): string {
  const name = hostname.replace(/\.+$/, '');
  return isLocal(name) && port ? `${name}:${port}` : name;
}
