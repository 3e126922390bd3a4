import { LRUCache } from 'lru-cache';

/** How long an answer is taken as true, in ms; a change arrives over the bus long before. */
const FRESH_MS = 30_000;
const ABSENT_MS = 5_000;
/** How long what is known goes on being served before the database is asked again, when it did not answer. */
const RETRY_MS = 1_000;

interface Entry<T> {
  /** Null: there is none. */
  value: T | null;
  freshUntil: number;
}

/**
 * Remembers what the database said of a name. However many ask for a name at once, the database is asked once; while
 * it does not answer, what was known goes on being served.
 */
export class TargetCache<T extends object> {
  private readonly entries: LRUCache<string, Entry<T>>;
  private readonly flights = new Map<string, Promise<T | null>>();

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
      return await flight;
    } catch (error) {
      if (!entry) throw error;
      entry.freshUntil = Date.now() + RETRY_MS;
      return entry.value;
    }
  }

  /** What was asked before this moment and answers after it is not remembered either. */
  forget(name: string): void {
    this.entries.delete(name);
    this.flights.delete(name);
  }

  forgetAll(prefix = ''): void {
    for (const name of [...this.entries.keys(), ...this.flights.keys()]) if (name.startsWith(prefix)) this.forget(name);
  }

  private fly(name: string, loading: Promise<T | null>): Promise<T | null> {
    const flight = loading.then(
      (value) => {
        if (this.flights.get(name) === flight) this.remember(name, value);
        return value;
      },
      (error: unknown) => {
        if (this.flights.get(name) === flight) this.flights.delete(name);
        throw error;
      },
    );
    this.flights.set(name, flight);
    return flight;
  }

  private remember(name: string, value: T | null): void {
    // Jitter: a thousand names looked up in the same second must not expire in the same second.
    const lifetime = (value === null ? ABSENT_MS : FRESH_MS) * (0.8 + Math.random() * 0.4);
    this.flights.delete(name);
    this.entries.set(name, { value, freshUntil: Date.now() + lifetime });
  }
}
