import { LRUCache } from 'lru-cache';

/**
 * How long an answer is taken as true, in ms, give or take JITTER. A change arrives over the bus long before; with the
 * bus down, an edit is in force after 30 s all the same.
 */
const FRESH_MS = 25_000;
const ABSENT_MS = 5_000;
const JITTER = 0.2;
/** How long what is known goes on being served before the database is asked again, when it did not answer. */
const RETRY_MS = 1_000;

interface Entry<T> {
  /** Null: there is none. */
  value: T | null;
  freshUntil: number;
}

/** A question to the database that is not answered yet. */
interface Flight<T> {
  answer: Promise<T | null>;
  /** False once something of this name was created: that there is none may be no longer true. */
  absenceCounts: boolean;
}

/**
 * Remembers what the database said of a name. However many ask for a name at once, the database is asked once; while
 * it does not answer, what was known goes on being served.
 */
export class TargetCache<T extends object> {
  private readonly entries: LRUCache<string, Entry<T>>;
  private readonly flights = new Map<string, Flight<T>>();

  constructor(max: number) {
    this.entries = new LRUCache({ max });
  }

  /**
   * @param load asks the database; given what was known before
   * @throws what `load` throws, when nothing is known of the name
   */
  async get(name: string, load: (known: T | null) => Promise<T | null>): Promise<T | null> {
    const entry = this.entries.get(name);
    if (entry && Date.now() < entry.freshUntil) return entry.value;
    const flight = this.flights.get(name) ?? this.fly(name, load(entry?.value ?? null));
    try {
      return await flight.answer;
    } catch (error) {
      if (!entry) throw error;
      entry.freshUntil = Date.now() + RETRY_MS;
      return entry.value;
    }
  }

  /** What is known of a name and still fresh; undefined when it must be looked up. */
  known(name: string): T | null | undefined {
    const entry = this.entries.get(name);
    return entry && Date.now() < entry.freshUntil ? entry.value : undefined;
  }

  /** What was asked before this moment and answers after it is not remembered either. */
  forget(name: string): void {
    this.entries.delete(name);
    this.flights.delete(name);
  }

  /** Something of this name was created: forgets that there was none, and keeps what is already known of it. */
  forgetAbsence(name: string): void {
    if (this.entries.peek(name)?.value === null) this.entries.delete(name);
    const flight = this.flights.get(name);
    if (flight) flight.absenceCounts = false;
  }

  /** From now on nothing counts as fresh, and what is being asked for is not remembered. */
  doubtAll(): void {
    this.flights.clear();
    for (const entry of this.entries.values()) entry.freshUntil = 0;
  }

  forgetAll(prefix: string): void {
    for (const name of [...this.entries.keys(), ...this.flights.keys()]) if (name.startsWith(prefix)) this.forget(name);
  }

  private fly(name: string, loading: Promise<T | null>): Flight<T> {
    const land = (): boolean => this.flights.get(name) === flight && this.flights.delete(name);
    const answer = loading.then(
      (value) => {
        if (land() && (value !== null || flight.absenceCounts)) this.remember(name, value);
        return value;
      },
      (error: unknown) => {
        land();
        throw error;
      },
    );
    const flight: Flight<T> = { answer, absenceCounts: true };
    this.flights.set(name, flight);
    return flight;
  }

  private remember(name: string, value: T | null): void {
    // Jitter: a thousand names looked up in the same second must not expire in the same second.
    const lifetime = (value === null ? ABSENT_MS : FRESH_MS) * (1 - JITTER + Math.random() * 2 * JITTER);
    this.entries.set(name, { value, freshUntil: Date.now() + lifetime });
  }
}
