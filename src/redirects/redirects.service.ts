import { Injectable } from '@nestjs/common';
import { ClickRecorder, type Visitor } from '../clicks/clicks.recorder.js';
import { keyOfPath } from '../links/links.reader.js';
import { Bus } from '../platform/bus/bus.js';
import type { Heartbeat } from '../platform/outbox/outbox.relay.js';
import { parseHostname } from '../platform/http/hostname.js';
import { invalidations, redirects, redirectsLimited } from '../platform/telemetry/metrics.js';
import { tallyOf } from '../platform/telemetry/registry.js';
import { type Decision, decideRedirect, decideRoot, isUnknown } from './decide-redirect.js';
import { RedirectCache } from './redirect-cache.js';
import type { PlainAnswer } from './redirect-target.js';
import { clientOf } from '../platform/http/client-address.js';
import { ScanLimit } from './scan-limit.js';

/** A visitor's request, as the listener understood it. */
export interface Visit {
  /** The Host header. */
  host: string;
  /** Decoded path without the leading slash; empty for the bare domain. */
  path: string;
  query: string;
  /** False for HEAD, which answers like GET and is no click. */
  counts: boolean;
  visitor: Visitor;
  /** W3C traceparent of one that is traced. */
  trace: string | undefined;
}

/** Refused, for the client has asked for too many names that are not there. Whether this one is, was not looked at. */
interface Limited {
  kind: 'limited';
  /** In seconds. */
  retryAfter: number;
}

const foundTally = tallyOf(redirects, { decision: 'found' });

@Injectable()
export class RedirectsService {
  constructor(
    private readonly cache: RedirectCache,
    private readonly clicks: ClickRecorder,
    private readonly scans: ScanLimit,
    bus: Bus,
  ) {
    this.obey(bus);
  }

  /**
   * The fast lane: a link that is known, fresh and always answered alike, at once. No promise, no parsing, no decision.
   *
   * @param host the Host header
   * @param path as it was asked for
   * @param trace W3C traceparent of a visit that is traced
   * @returns the answer, to be given `whenCounted`; undefined for everything else, which takes the full way
   */
  visitPlain(host: string, path: string, visitor: Visitor, trace?: string): PlainAnswer | undefined {
    const link = this.cache.knownLink(host, path);
    if (!link?.plain) return undefined;
    link.clicks++;
    this.clicks.offer(link, visitor, '', trace);
    foundTally.count++;
    return link.plain;
  }

  async visit(visit: Visit): Promise<Decision | Limited> {
    const client = clientOf(visit.visitor.address);
    const retryAfter = this.scans.wait(client);
    if (retryAfter > 0 && !this.remembers(visit)) return limited(retryAfter);
    const decision = await this.decide(visit);
    if (isUnknown(decision)) {
      // A link that is remembered, and disabled: to a limited client it must look like one that was never made.
      if (retryAfter > 0) return limited(retryAfter);
      this.scans.charge(client);
    }
    redirects.inc({ decision: decision.kind });
    if (decision.kind === 'found' && visit.counts) await new Promise<void>((resolve) => this.whenCounted(resolve));
    return decision;
  }

  /** Calls back when the clicks offered so far are on disk: only then may their answers go out. */
  whenCounted(answer: () => void): void {
    this.clicks.afterWrite(answer);
  }

  private async decide(visit: Visit): Promise<Decision> {
    const hostname = hostnameOf(visit.host);
    const domain = hostname === undefined ? null : await this.cache.domain(hostname);
    if (!domain || hostname === undefined) return { kind: 'unknown' };
    if (visit.path === '') return decideRoot(domain);
    const key = keyOfPath(visit.path, domain.caseSensitive);
    const link = key === undefined ? null : await this.cache.link(hostname, domain, key);
    const decision = decideRedirect(domain, link, visit, new Date());
    if (link && decision.kind === 'found' && visit.counts) {
      link.clicks++;
      this.clicks.offer(link, visit.visitor, visit.query, visit.trace);
    }
    return decision;
  }

  /** Whether it leads to what was found before: then looking it up tells nobody anything new. */
  private remembers({ host, path }: Visit): boolean {
    const hostname = hostnameOf(host);
    const domain = hostname === undefined ? undefined : this.cache.rememberedDomain(hostname);
    if (!domain || path === '') return domain !== undefined;
    const key = keyOfPath(path, domain.caseSensitive);
    return key !== undefined && this.cache.remembersLink(`${hostname}/${key}`);
  }

  /** A change is in force here as soon as the bus tells of it; after a gap, everything is asked for anew. */
  private obey(bus: Bus): void {
    const changed = (cause: string, forget: () => void): void => {
      forget();
      invalidations.inc({ cause });
    };
    bus.onGap(() => changed('gap', () => this.cache.doubt()));
    bus.subscribe('link.', (topic, data) => {
      const { addresses } = data as { addresses: Array<{ domain: string; key: string }> };
      for (const { domain, key } of addresses) {
        if (topic === 'link.created') this.cache.expectLink(domain, key);
        else changed('link', () => this.cache.forgetLink(domain, key));
      }
    });
    bus.subscribe('domain.', (_topic, data) => {
      changed('domain', () => this.cache.doubtDomain((data as { hostname: string }).hostname));
    });
    // A worker of an earlier version says no time.
    bus.subscribe('heartbeat', (_topic, data) => this.cache.assure((data as Heartbeat | null)?.asOf ?? 0));
    bus.subscribe('tenant.', (topic, data) => {
      const { tenantId } = data as { tenantId: string };
      // A new tenant has nothing yet that could be known here.
      if (topic !== 'tenant.created') changed('tenant', () => this.cache.doubtTenant(tenantId));
    });
  }
}

function limited(retryAfter: number): Limited {
  redirectsLimited.inc();
  return { kind: 'limited', retryAfter };
}

const hostnameOf = (host: string): string | undefined => parseHostname(withoutPublicPort(host));

/** A proxy in front may hand on the port that visitors use; only localhost is told apart by its port. */
const withoutPublicPort = (host: string): string =>
  /localhost(:\d+)?$/i.test(host) ? host : host.replace(/:\d+$/, '');
