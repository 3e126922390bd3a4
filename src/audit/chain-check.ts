import type { NamedMacs } from '../platform/secrets/secrets.js';
import { canonicalEvent, canonicalLink, type ChainLink, type RecordedEvent } from './canonical-event.js';
import { canonicalCheckpoint, type SignedCheckpoint } from './checkpoint.js';

/** What was done to a trail. */
export const FAULTS = ['changed', 'missing', 'reordered', 'inserted', 'cut', 'rewritten'] as const;

export interface Break {
  fault: (typeof FAULTS)[number];
  /** Its place in the chain, where it has one. */
  sequence: number | null;
  eventId: string | null;
  detail: string;
}

export interface Verification {
  intact: boolean;
  /** Events that were checked in the chain. */
  checked: number;
  /** Events that wait to be chained, whose own codes are right. */
  pending: number;
  firstBreak: Break | null;
}

/** A link of the chain with what belongs to it, as far as it is there. */
export interface FoundLink extends ChainLink {
  hash: Buffer;
  event: RecordedEvent | null;
  checkpoint: SignedCheckpoint | null;
}

/** Follows a chain link by link, from its beginning or from a link that is taken for granted. */
export class ChainCheck {
  private seq: number;
  private previous: Buffer;
  private readonly whole: boolean;
  private adopting = true;
  /** Events met so far by origin: see AuditRecorder. */
  private readonly met = new Map<string, number>();

  /** @param start the link before the first, or that there is none */
  constructor(
    private readonly macs: NamedMacs,
    start: { seq: number; hash: Buffer },
  ) {
    this.seq = start.seq;
    this.previous = start.hash;
    this.whole = start.seq === 0;
  }

  /** @returns what is wrong with this link, if anything; then nothing after it can be told */
  next(link: FoundLink): Break | undefined {
    const broken = this.faultOf(link);
    if (broken) return { sequence: link.seq, eventId: link.eventId, ...broken };
    this.seq = link.seq;
    this.previous = link.hash;
    return undefined;
  }

  private faultOf(link: FoundLink): (Omit<Break, 'eventId' | 'sequence'> & Partial<Break>) | undefined {
    const { event, checkpoint } = link;
    if (link.seq !== this.seq + 1) {
      return { fault: 'missing', sequence: this.seq + 1, eventId: null, detail: 'A link of the chain is not there.' };
    }
    const inPlace = this.macs.check(canonicalLink(this.previous, link), link.hash);
    if (!event) {
      return inPlace
        ? { fault: 'missing', detail: 'The event was deleted.' }
        : { fault: 'reordered', detail: 'The link does not continue its predecessor, and its event is not there.' };
    }
    const genuine = this.macs.check(canonicalEvent(event), link.mac);
    if (!genuine) return { fault: 'changed', detail: 'The event is not what was recorded.' };
    if (!inPlace) return { fault: 'reordered', detail: 'The event is genuine, and does not belong in this place.' };
    if (checkpoint && !this.confirms(checkpoint, link.hash)) {
      return { fault: 'rewritten', detail: 'The chain is not the one that a checkpoint was made of.' };
    }
    if (link.adopted && !this.adopting) {
      return { fault: 'inserted', detail: 'An event without a code of its own, in a chain that had begun.' };
    }
    this.adopting &&= link.adopted;
    return this.vanished(event);
  }

  private confirms(checkpoint: SignedCheckpoint, hash: Buffer): boolean {
    return checkpoint.hash.equals(hash) && this.macs.check(canonicalCheckpoint(checkpoint), checkpoint.signature);
  }

  /** Each event says how many of its process were committed before it. Fewer are there: one was deleted, unchained. */
  private vanished({ origin, originCount }: RecordedEvent): Omit<Break, 'eventId' | 'sequence'> | undefined {
    if (origin === null || originCount === null) return undefined;
    // In the middle of a chain the first one says what must have been before it.
    const met = this.met.get(origin) ?? (this.whole ? 0 : Number(originCount));
    this.met.set(origin, met + 1);
    if (met >= Number(originCount)) return undefined;
    return {
      fault: 'missing',
      detail: `${Number(originCount) - met} events were deleted before this one, before they were chained.`,
    };
  }
}
