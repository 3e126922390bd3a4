import type { SpooledClick } from './click.js';
import { type Campaign, campaignOf } from './campaign.js';
import { continentOf } from './continents.js';
import type { Place } from './geography.js';
import { shortText } from './short-text.js';
import { agentOf } from './user-agent.js';
import { languageOf, referrerHostOf } from './visit-headers.js';

/** Of every click, whatever its visitor and its tenant want. */
interface Counted {
  tenant_id: string;
  id: string;
  /** Read for the ledger, and not stored with the click. */
  segment: string;
  link_id: string;
  domain_id: string;
  occurred_at: string;
  /** Whether it was a program: one bit, without which there would be nothing to count. */
  bot: boolean;
}

/** A click as it is stored; what is absent is null there. It has no address. */
export interface ClickRow extends Counted, Partial<Place>, Partial<Campaign> {
  referrer?: string | undefined;
  user_agent?: string | undefined;
  device?: string | undefined;
  browser?: string | undefined;
  os?: string | undefined;
  referrer_host?: string | undefined;
  language?: string | undefined;
  /** The visitor's hash, `\x` and hexadecimal digits: read for the flags of first clicks, and not stored with the click. */
  visitor?: string | undefined;
}

/**
 * @param place of the visitor
 * @param visitor their hash, if there is a salt for it; none for those who opted out
 */
export function rowOf(click: SpooledClick, place: Place, visitor: Buffer | undefined): ClickRow {
  const { bot, ...agent } = agentOf(click.userAgent);
  const counted = countedOf(click, bot);
  if (click.optedOut) return { ...counted, country: place.country, continent: continentOf(place.country) };
  return {
    ...counted,
    ...place,
    ...campaignOf(click.query),
    region: shortText(place.region),
    city: shortText(place.city),
    device: agent.device,
    browser: shortText(agent.browser),
    os: shortText(agent.os),
    referrer: click.referrer,
    user_agent: click.userAgent,
    referrer_host: referrerHostOf(click.referrer),
    language: languageOf(click.language),
    // Programs are nobody's visitors.
    visitor: visitor && !bot ? `\\x${visitor.toString('hex')}` : undefined,
  };
}

const countedOf = (click: SpooledClick, bot: boolean): Counted => ({
  tenant_id: click.tenantId,
  id: click.id,
  segment: click.segment,
  link_id: click.linkId,
  domain_id: click.domainId,
  occurred_at: new Date(click.occurredAt).toISOString(),
  bot,
});
