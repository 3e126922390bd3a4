import { nthId } from '../platform/ids.js';
import { type Click, type FollowedLink, storableText, type Visitor } from './click.js';

/**
 * A frame of a segment: the clicks of one turn of the event loop. What repeats is written once a segment and meant by
 * its place: a frame brings the links and texts that no frame before it had.
 */
interface Frame {
  /** When these clicks happened, in ms since 1970, UTC. */
  at: number;
  /** Tenant and domain, by their places among the texts, and link; the first of a segment is 0. */
  links: Array<[number, number, string]>;
  /** Ids, addresses and headers; the first of a segment is 1, for 0 is none. */
  texts: string[];
  /** FIELDS numbers a click: link, address, country, user agent, referrer, language, query, 1 if opted out. */
  clicks: number[];
}

const FIELDS = 8;

/** Writes the clicks of one segment. It runs for every redirect. */
export class ClickEncoder {
  private readonly links = new Map<string, number>();
  private readonly texts = new Map<string, number>();
  private newLinks: Frame['links'] = [];
  private newTexts: string[] = [];
  private clicks: number[] = [];
  /** Characters that wait for `take`, or nearly so many. */
  length = 0;

  /** @param rawQuery of the visited URL, without `?` */
  add(followed: FollowedLink, visitor: Visitor, rawQuery: string): void {
    this.clicks.push(
      this.links.get(followed.linkId) ?? this.newLink(followed),
      this.placeOf(visitor.address),
      this.placeOf(visitor.country),
      this.placeOf(visitor.userAgent),
      this.placeOf(visitor.referrer),
      this.placeOf(visitor.language),
      this.placeOf(rawQuery),
      visitor.optedOut ? 1 : 0,
    );
    this.length += 3 * FIELDS;
  }

  /** @returns a frame with all that was added since the last, as JSON */
  take(at: number): string {
    const frame: Frame = { at, links: this.newLinks, texts: this.newTexts, clicks: this.clicks };
    this.newLinks = [];
    this.newTexts = [];
    this.clicks = [];
    this.length = 0;
    return JSON.stringify(frame);
  }

  private newLink({ tenantId, domainId, linkId }: FollowedLink): number {
    const place = this.links.size;
    this.links.set(linkId, place);
    this.newLinks.push([this.placeOf(tenantId), this.placeOf(domainId), linkId]);
    this.length += linkId.length;
    return place;
  }

  private placeOf(text: string | undefined): number {
    return text ? (this.texts.get(text) ?? this.newText(text)) : 0;
  }

  private newText(text: string): number {
    const place = this.texts.size + 1;
    this.texts.set(text, place);
    this.newTexts.push(storableText(text));
    this.length += text.length;
    return place;
  }
}

/**
 * The clicks of a segment's frames.
 *
 * @param segment its id, from which each click has its own: read twice, they are the same
 */
export function decodeClicks(segment: string, frames: string[]): Click[] {
  const links: Frame['links'] = [];
  const texts: Array<string | undefined> = [undefined];
  const clicks: Click[] = [];
  for (const frame of frames) {
    const { at, ...brought } = JSON.parse(frame) as Frame;
    links.push(...brought.links);
    texts.push(...brought.texts);
    for (let from = 0; from < brought.clicks.length; from += FIELDS) {
      const [link = -1, ...rest] = brought.clicks.slice(from, from + FIELDS);
      const [tenant, domain, linkId] = links[link] ?? unknownPlace(link);
      const [tenantId = '', domainId = ''] = [texts[tenant], texts[domain]];
      const [address = '', country, userAgent, referrer, language, query = ''] = rest.map((place) => texts[place]);
      clicks.push({
        id: nthId(segment, clicks.length, at),
        occurredAt: at,
        tenantId,
        domainId,
        linkId,
        address,
        country,
        userAgent,
        referrer,
        language,
        query,
        optedOut: rest.at(-1) === 1,
      });
    }
  }
  return clicks;
}

function unknownPlace(link: number): never {
  throw new Error(`A click names link ${link} of its segment, which has no such link`);
}
