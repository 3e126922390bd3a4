import { Resolver } from 'node:dns/promises';
import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { isLocal } from '../platform/http/hostname.js';
import { provesOwnership, type Verdict, verificationRecord } from './verification.js';

const DEADLINE_MS = 1_500;

// The name does not exist, or has no TXT record: an answer, and a no.
const ABSENT = new Set(['ENOTFOUND', 'ENODATA']);

/** Asks DNS whether a tenant may use a hostname. */
@Injectable()
export class DomainVerifier {
  private readonly resolver = new Resolver({ timeout: DEADLINE_MS, tries: 2 });

  constructor(private readonly config: Config) {
    if (config.dnsServers) this.resolver.setServers(config.dnsServers);
  }

  async check(hostname: string, token: string): Promise<Verdict> {
    if (this.needsNoProof(hostname)) return { outcome: 'verified' };
    const { name, value } = verificationRecord(hostname, token);
    try {
      const records = await this.resolver.resolveTxt(name);
      return provesOwnership(records, value)
        ? { outcome: 'verified' }
        : { outcome: 'refused', reason: `The TXT record ${name} does not have the value asked for.` };
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      return ABSENT.has(code)
        ? { outcome: 'refused', reason: `There is no TXT record ${name}.` }
        : { outcome: 'unreachable', reason: `DNS did not answer (${code}).` };
    }
  }

  /** The embedded default serves a laptop: its localhost belongs to whoever sits there. */
  needsNoProof(hostname: string): boolean {
    return this.config.embedded && isLocal(hostname);
  }
}
