import { idsFrom } from '../platform/ids.js';
import { ByteReader, ByteWriter } from './byte-stream.js';
import { type Click, type FollowedLink, storableText, type Visitor } from './click.js';

// A frame of a segment: the clicks that are written together. Its FORMAT, when they happened, then each click as
// numbers: the place of its link, doubled, and one more if opted out; the places of its texts (address, country, user
// agent, referrer, language, query). Places are counted through the segment, for what repeats is written once: a place
// nobody has had yet is followed by what it stands for. Place 0 of the texts is none.
//
// The trace of a traced click stands before its query, as a parameter that ends with a line feed, which no query that was
// asked for can have in it. A version that knows no traces takes it for a parameter like any other, and looks at none but
// those of campaigns: so segments can be read by workers of either version, whichever is replaced first.

const FORMAT = 1;
const TRACE = 'traceparent=';

/** Writes the clicks of one segment. It runs for every redirect. */
export class ClickEncoder {
  private static begun = 0;
  private readonly segment = ++ClickEncoder.begun;
  private readonly links = new Map<string, number>();
  private readonly texts = new Map<string, number>();
  private readonly bytes = new ByteWriter();

  /** Bytes that wait for `take`. */
  get length(): number {
    return this.bytes.length;
  }

  /** @param at when this click happened and all that follow it until `take`, in ms since 1970, UTC */
  begin(at: number): void {
    this.bytes.number(FORMAT);
    this.bytes.time(at);
  }

  /** @param rawQuery of the visited URL, without `?` @param trace W3C traceparent of a click that is traced */
  add(followed: FollowedLink, visitor: Visitor, rawQuery: string, trace?: string): void {
    this.link(followed, visitor.optedOut);
    this.text(visitor.address);
    this.text(visitor.country);
    this.text(visitor.userAgent);
    this.text(visitor.referrer);
    this.text(visitor.language);
    this.text(trace === undefined ? rawQuery : `${TRACE}${trace}\n&${rawQuery}`);
  }

  /** @returns a frame with all that was added since the last */
  take(): Buffer {
    return this.bytes.take();
  }

  private link(followed: FollowedLink, optedOut: boolean): void {
    // Most clicks are of few links: their places are noted where they are at hand.
    const known = followed.spooledIn === this.segment ? followed.spooledAt : this.links.get(followed.linkId);
    const place = known ?? this.links.size;
    followed.spooledIn = this.segment;
    followed.spooledAt = place;
    this.bytes.number(2 * place + Number(optedOut));
    if (known !== undefined) return;
    this.links.set(followed.linkId, place);
    this.text(followed.tenantId);
    this.text(followed.domainId);
    this.bytes.uuid(followed.linkId);
  }

  private text(text: string | undefined): void {
    if (!text) return this.bytes.number(0);
    const known = this.texts.get(text);
    if (known !== undefined) return this.bytes.number(known);
    const place = this.texts.size + 1;
    this.texts.set(text, place);
    this.bytes.number(place);
    this.bytes.text(storableText(text));
  }
}

/**
 * The clicks of a segment's frames.
 *
 * @param segment its id, from which each click has its own: read twice, they are the same
 * @throws for what no ClickEncoder of this version wrote
 */
export function decodeClicks(segment: string, frames: Buffer[]): Click[] {
  const decoder = new ClickDecoder(segment);
  for (const frame of frames) decoder.read(frame);
  return decoder.clicks;
}

class ClickDecoder {
  readonly clicks: Click[] = [];
  private readonly links: FollowedLink[] = [];
  private readonly texts: Array<string | undefined> = [undefined];

  private readonly idOf: (n: number, time: number) => string;

  constructor(segment: string) {
    this.idOf = idsFrom(segment);
  }

  read(frame: Buffer): void {
    const bytes = new ByteReader(frame);
    const format = bytes.number();
    if (format !== FORMAT)
      throw new Error(`Its clicks are written in format ${format}, which this version can not read`);
    const occurredAt = bytes.time();
    while (!bytes.ended) this.clicks.push(this.click(bytes, occurredAt));
  }

  private click(bytes: ByteReader, occurredAt: number): Click {
    const place = bytes.number();
    return {
      id: this.idOf(this.clicks.length, occurredAt),
      occurredAt,
      optedOut: place % 2 === 1,
      ...this.link(bytes, Math.floor(place / 2)),
      address: this.text(bytes) ?? '',
      country: this.text(bytes),
      userAgent: this.text(bytes),
      referrer: this.text(bytes),
      language: this.text(bytes),
      ...traceAndQuery(this.text(bytes) ?? ''),
    };
  }

  private link(bytes: ByteReader, place: number): FollowedLink {
    if (place === this.links.length) {
      const [tenantId = '', domainId = ''] = [this.text(bytes), this.text(bytes)];
      this.links.push({ tenantId, domainId, linkId: bytes.uuid() });
    }
    return this.links[place] ?? unknownPlace(place);
  }

  private text(bytes: ByteReader): string | undefined {
    const place = bytes.number();
    if (place === this.texts.length) this.texts.push(bytes.text());
    return place < this.texts.length ? this.texts[place] : unknownPlace(place);
  }
}

function traceAndQuery(text: string): Pick<Click, 'trace' | 'query'> {
  const end = text.startsWith(TRACE) ? text.indexOf('\n&') : -1;
  return end < 0 ? { query: text } : { trace: text.slice(TRACE.length, end), query: text.slice(end + 2) };
}

function unknownPlace(place: number): never {
  throw new Error(`A click names place ${place} of its segment, where there is nothing`);
}
