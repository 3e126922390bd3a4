import { LRUCache } from 'lru-cache';
import { Overloaded } from '../platform/resilience/load-shedder.js';
import { FrontTable } from './front-table.js';

/** Of how long an answer is taken as true. */
const JITTER = 0.2;
/** How long any answer is taken as true, wherever it is kept. @param freshMs what its cache was told */
export const surelyFresh = (freshMs: number): number => freshMs * (1 - JITTER);
/** From this part of its time on, an answer still in demand is asked for anew, beside the requests it serves. */
const REFRESH_AT = 0.8;
/** How long a lasting answer is taken as true without asking, while the bus assures that nothing has changed. */
const LASTING_MS = 300_000;
const ABSENT_MS = 5_000;
/** How long what is known goes on being served before the database is asked again, when it did not answer. */
const RETRY_MS = 1_000;
/** For how long after a failure, with no success since, nobody who can be served from memory waits for the database. */
const AWAY_MS = 5_000;
/** How long it is served at all without the database. */
const STALE_MS = 24 * 3_600_000;
/** Names remembered to be unknown. Bounded apart, so that a scan of random names pushes out no known one. */
const MAX_ABSENT = 50_000;
const MAX_ABSENT_BYTES = 16 * 1024 * 1024;
/** What one costs besides its name, whose letters take two bytes each beyond Latin-1. */
const ABSENT_BYTES = 100;

/** Name, value, and when the database last said so in ms since 1970. */
export type RememberedTarget<T> = [name: string, value: T, confirmedAt: number];

/** What was said of a name; null where there is none. */
export interface Confirmed<T> {
  value: T | null;
  /** When the database was asked for it, in ms since 1970; every time an answer is true for begins there. */
  confirmedAt: number;
  /** True when somebody better, or what it depends on, was asked and did not answer: true only until asked again. */
  provisional: boolean;
}

/** What is known of a name when it is asked for anew. */
export interface Known<T> {
  value: T;
  confirmedAt: number;
}

interface Entry<T> extends Known<T> {
  refreshAt: number;
  freshUntil: number;
  /** True while it is served for want of a better answer: what depends on it must not outlast that. */
  provisional: boolean;
  /** Until when it needs no asking as long as it is assured: see `assure`. 0 for what has to be asked for anyway. */
  lastsUntil: number;
  /** See FrontTable; empty until then. */
  host: string;
  path: string;
}

const DOUBTED = { refreshAt: 0, freshUntil: 0, provisional: true, lastsUntil: 0 };

/** One literal for all, so that V8 has one shape for them. */
const entryOf = <T>(
  { value, confirmedAt }: Known<T>,
  { refreshAt, freshUntil, provisional, lastsUntil } = DOUBTED,
): Entry<T> => ({ value, confirmedAt, refreshAt, freshUntil, provisional, lastsUntil, host: '', path: '' });

const doubt = (entry: Entry<object>): void => void Object.assign(entry, DOUBTED);

/** A question to the database that is not answered yet. */
interface Flight<T> {
  answer: Promise<T | null>;
  /** False once something of this name was created: that there is none may be no longer true, and is asked anew. */
  absenceCounts: boolean;
  /** True once anything may have changed: what it brings is good to fall back on, and no more. */
  doubted: boolean;
}

type Load<T> = (known: Known<T> | undefined) => Promise<Confirmed<T>>;

/**
 * Remembers what the database said of a name. However many ask for a name at once, the database is asked once; while
 * it does not answer, what was known goes on being served.
 */
export class TargetCache<T extends object> {
  private readonly entries: LRUCache<string, Entry<T>>;
  private readonly front = new FrontTable<Entry<T>>();
  private readonly absences = new LRUCache<string, number>({
    max: MAX_ABSENT,
    maxSize: MAX_ABSENT_BYTES,
    sizeCalculation: (_until, name) => ABSENT_BYTES + 2 * name.length,
  });
  private readonly flights = new Map<string, Flight<T>>();
  /** When the database last failed to answer; -Infinity once it has answered again. */
  private failedAt = -Infinity;
  private assuredUntil = 0;
  /**
   * How what was asked for was answered: from memory; by what is below, waited for; or from memory past its time, for what
   * is below did not answer.
   */
  readonly lookups = { hit: 0, miss: 0, stale: 0 };

  /**
   * @param bytesOf what an entry costs in memory, in bytes; the whole stays below `maxBytes`
   * @param freshMs how long an answer is taken as true, give or take JITTER
   * @param lasts whether `assure` is enough to go on taking it as true
   */
  constructor(
    maxBytes: number,
    bytesOf: (value: T, name: string) => number,
    private readonly freshMs: number,
    private readonly lasts: (value: T) => boolean = () => false,
  ) {
    this.entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ value }, name) => bytesOf(value, name),
      dispose: (entry) => this.front.drop(entry),
    });
  }

  get size(): { entries: number; bytes: number; absences: number } {
    return { entries: this.entries.size, bytes: this.entries.calculatedSize, absences: this.absences.size };
  }

  /**
   * What is known of a name and in need of nothing; undefined when it is to be had from `get`.
   *
   * @param path with the host, the name
   */
  known(host: string, path: string): T | undefined {
    const entry = this.front.get(host, path) ?? this.bringToFront(host, path);
    if (!entry || !this.needsNothing(entry, Date.now())) return undefined;
    this.lookups.hit++;
    return entry.value;
  }

  private bringToFront(host: string, path: string): Entry<T> | undefined {
    // Does not make it the most recently used: being asked for anew does, which what is in demand is all the time.
    const entry = this.entries.peek(`${host}${path}`);
    if (entry) this.front.put(host, path, entry);
    return entry;
  }

  /**
   * All that changed until this time, in ms since 1970, was told to this cache by `forget`, `doubtAll` or `doubtWhere`.
   * That confirms at once what lasts, as if it had been asked for then.
   */
  assure(time: number): void {
    this.assuredUntil = Math.min(time, Date.now()) + surelyFresh(this.freshMs) * REFRESH_AT;
  }

  private needsNothing({ refreshAt, lastsUntil }: Entry<T>, now: number): boolean {
    return now < refreshAt || (now < lastsUntil && now < this.assuredUntil);
  }

  /** Whether this is what counts as true of a name now: confirmed, not doubted since, and its time not over. */
  holds(name: string, value: T): boolean {
    const entry = this.entries.get(name);
    return entry?.value === value && !entry.provisional && Date.now() < entry.freshUntil;
  }

  /** What was last known of a name, fresh or not. */
  recall(name: string): T | undefined {
    return this.entries.get(name)?.value;
  }

  /** Whether anything is known of a name, fresh or not. */
  remembers(name: string): boolean {
    return this.entries.has(name);
  }

  /**
   * @param load asks the database; given what was known before
   * @throws what `load` throws, when nothing is known of the name
   */
  async get(name: string, load: Load<T>): Promise<T | null> {
    const now = Date.now();
    const entry = this.entries.get(name);
    if (!entry) {
      const absent = now < (this.absences.get(name) ?? 0);
      this.lookups[absent ? 'hit' : 'miss']++;
      return absent ? null : this.ask(name, load).answer;
    }
    if (this.needsNothing(entry, now)) return this.served('hit', entry);
    const flight = this.ask(name, load, entry);
    const servable = now - entry.confirmedAt <= STALE_MS;
    // What is doubted has to be asked for at least once.
    const away = entry.freshUntil > 0 && now - this.failedAt < AWAY_MS;
    if (now < entry.freshUntil) return this.served('hit', entry);
    if (servable && away) return this.served('stale', entry);
    try {
      const value = await flight.answer;
      this.lookups.miss++;
      return value;
    } catch (error) {
      if (!servable) throw error;
      return this.served('stale', entry);
    }
  }

  private served(how: 'hit' | 'stale', { value }: Entry<T>): T {
    this.lookups[how]++;
    return value;
  }

  /** What was asked before this moment and answers after it is not remembered either. */
  forget(name: string): void {
    this.entries.delete(name);
    this.absences.delete(name);
    this.flights.delete(name);
  }

  /** Something of this name was created: forgets that there was none, and keeps what is already known of it. */
  forgetAbsence(name: string): void {
    this.absences.delete(name);
    const flight = this.flights.get(name);
    if (flight) flight.absenceCounts = false;
  }

  /** From now on nothing of these names counts as fresh, nor does what is being asked for. */
  doubtAll(prefix = ''): void {
    for (const [name, flight] of this.flights) if (name.startsWith(prefix)) flight.doubted = true;
    for (const [name, entry] of this.entries) if (name.startsWith(prefix)) doubt(entry);
    const absent = this.absences.keys().filter((name) => name.startsWith(prefix));
    for (const name of absent.toArray()) this.absences.delete(name);
  }

  /** The same of what is known to be such. What is being asked for, or is not there, may be: all of that is doubted. */
  doubtWhere(isSuch: (value: T) => boolean): void {
    for (const flight of this.flights.values()) flight.doubted = true;
    for (const entry of this.entries.values()) if (isSuch(entry.value)) doubt(entry);
    this.absences.clear();
  }

  /** Most recently used first. */
  remembered(most: number): Array<RememberedTarget<T>> {
    return this.entries
      .entries()
      .take(most)
      .map(([name, { value, confirmedAt }]): RememberedTarget<T> => [name, value, confirmedAt])
      .toArray();
  }

  /** Takes over what an earlier process knew: to fall back on, not to rely on. */
  restore(targets: Array<RememberedTarget<T>>): void {
    for (const [name, value, confirmedAt] of targets.toReversed()) {
      this.entries.set(name, entryOf({ value, confirmedAt }));
    }
  }

  private ask(name: string, load: Load<T>, entry?: Entry<T>): Flight<T> {
    const known = this.flights.get(name);
    if (known && !known.doubted && known.absenceCounts) return known;
    const land = (): boolean => this.flights.get(name) === flight && this.flights.delete(name);
    const answer = load(entry).then(
      (confirmed) => {
        // What was confirmed before the failure, and kept elsewhere since, tells nothing of the database now.
        if (confirmed.confirmedAt >= this.failedAt) this.failedAt = -Infinity;
        if (land()) this.remember(name, confirmed, flight);
        return confirmed.value;
      },
      (error: unknown) => {
        // The database was not even asked then.
        if (!(error instanceof Overloaded)) this.failedAt = Date.now();
        // Not everybody who comes now waits for the next failure.
        if (land() && entry) {
          entry.refreshAt = entry.freshUntil = Date.now() + RETRY_MS;
          entry.provisional = true;
        }
        throw error;
      },
    );
    // Nobody may be waiting for a refresh; whoever is learns of its failure through the promise itself.
    answer.catch(() => undefined);
    const flight: Flight<T> = { answer, absenceCounts: true, doubted: false };
    this.flights.set(name, flight);
    return flight;
  }

  private remember(
    name: string,
    { value, confirmedAt, provisional }: Confirmed<T>,
    { absenceCounts, doubted }: Flight<T>,
  ): void {
    if (value === null) {
      this.entries.delete(name);
      const lifetime = provisional ? RETRY_MS : ABSENT_MS * jitter();
      if (absenceCounts && !doubted) this.absences.set(name, confirmedAt + lifetime);
      return;
    }
    this.absences.delete(name);
    if (doubted) return void this.entries.set(name, entryOf({ value, confirmedAt }));
    const lifetime = provisional ? RETRY_MS : this.freshMs * jitter();
    const [refreshAt, freshUntil] = [confirmedAt + lifetime * REFRESH_AT, confirmedAt + lifetime];
    const lastsUntil = !provisional && this.lasts(value) ? confirmedAt + LASTING_MS * jitter() : 0;
    this.entries.set(name, entryOf({ value, confirmedAt }, { refreshAt, freshUntil, provisional, lastsUntil }));
  }
}

/** A thousand names looked up in the same second must not expire in the same second. */
const jitter = (): number => 1 - JITTER + Math.random() * 2 * JITTER;
