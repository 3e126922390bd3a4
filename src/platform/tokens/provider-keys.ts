import type { KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { DomainError } from '../http/domain-error.js';
import { judgeAddress, parseNetwork } from '../outgoing/address-rules.js';
import { OutgoingClient } from '../outgoing/outgoing-client.js';
import { OutgoingError, type OutgoingFault } from '../outgoing/outgoing.error.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { type PresentedToken, TokenRefused } from './bearer-token.js';
import { discoveryUrl, isLocalProvider, parseIssuer } from './issuer.js';
import { IssuerKeys } from './issuer-keys.js';
import { signingKeys, type SigningKey } from './signing-keys.js';

const MOST_ISSUERS = 2_000;
const LIMITS = { maxBytes: 256 * 1024, deadlineMs: 4_000, maxRedirects: 0 };
/** The provider may answer the next time; all other faults are of what is registered. */
const PASSING: ReadonlySet<OutgoingFault> = new Set(['unreachable', 'timed_out', 'bad_status', 'name_not_found']);

const discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

/** The signing keys of OpenID providers, found by discovery (OpenID Connect Discovery 1.0). */
@Injectable()
export class ProviderKeys {
  /** Whether a provider on this machine may speak plain http: where the operator has opened the loopback. */
  readonly takesLocalProviders: boolean;
  private readonly issuers = new LRUCache<string, IssuerKeys>({ max: MOST_ISSUERS });

  constructor(
    private readonly outgoing: OutgoingClient,
    config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const opened = config.outgoingAllow.map(parseNetwork).filter((network) => network !== undefined);
    this.takesLocalProviders = judgeAddress('127.0.0.1', opened) === 'opened';
  }

  /**
   * @param issuer one that somebody has registered: whatever a token names must not make us ask for it
   * @throws TokenRefused when there is no such key, DomainError 503 when the provider is away and nothing is known of it
   */
  find(issuer: string, header: PresentedToken['header']): Promise<KeyObject> {
    let keys = this.issuers.get(issuer);
    if (!keys) this.issuers.set(issuer, (keys = this.keysOf(issuer)));
    return keys.find(header);
  }

  private keysOf(issuer: string): IssuerKeys {
    return new IssuerKeys(
      () => this.load(issuer),
      (error) => this.logger.warn({ issuer, reason: String(error) }, 'The keys of an identity provider were not had'),
    );
  }

  private async load(issuer: string): Promise<SigningKey[]> {
    const url = parseIssuer(issuer);
    const local = url !== undefined && isLocalProvider(url);
    if (!url || (local && !this.takesLocalProviders)) throw new TokenRefused('its issuer must be reached over https');
    const options = { ...LIMITS, httpsOnly: !local };
    try {
      const { value } = await this.outgoing.fetchJson(discoveryUrl(issuer), options);
      const found = discovery.safeParse(value).data;
      if (!found) throw new TokenRefused('discovery names no issuer or no keys');
      // Section 4.3: or whoever can answer at one address could speak for the issuer of another.
      if (found.issuer !== issuer) throw new TokenRefused(`discovery names another issuer: ${shortened(found.issuer)}`);
      return signingKeys((await this.outgoing.fetchJson(found.jwks_uri, options)).value);
    } catch (error) {
      throw error instanceof OutgoingError ? asRefusal(error) : error;
    }
  }
}

/** For the log, which a provider's answer must not fill. */
const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

const asRefusal = ({ fault, message }: OutgoingError): Error =>
  PASSING.has(fault) ? new ProviderAway(message) : new TokenRefused(`its issuer can not be asked: ${message}`);

/** Its tokens can not be judged now. */
class ProviderAway extends DomainError {
  constructor(readonly reason: string) {
    super('unavailable', 'temporarily_unavailable', 'Your identity provider does not answer. Try again.');
  }

  override toString(): string {
    return this.reason;
  }
}
