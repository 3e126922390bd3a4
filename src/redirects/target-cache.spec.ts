import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Overloaded } from '../platform/resilience/load-shedder.js';
import { type Confirmed, TargetCache } from './target-cache.js';

interface Target {
  url: string;
}
const old: Target = { url: 'old' };
const fresh: Target = { url: 'fresh' };
const fails = (): Promise<never> => Promise.reject(new Error('away'));

const confirmed = (value: Target | null, more: Partial<Confirmed<Target>> = {}): Confirmed<Target> => ({
  value,
  confirmedAt: Date.now(),
  provisional: false,
  ...more,
});
const says = async (...what: Parameters<typeof confirmed>): Promise<Confirmed<Target>> => confirmed(...what);

/** A database whose answer comes when the test says so. */
function pending(): { promise: Promise<Confirmed<Target>>; answer: (value: Target | null) => void } {
  const { promise, resolve } = Promise.withResolvers<Confirmed<Target>>();
  return { promise, answer: (value) => resolve(confirmed(value)) };
}

const newCache = (maxBytes = 1_000): TargetCache<Target> => new TargetCache(maxBytes, () => 1, 25_000);

const setClock = (ms: number): void => void jest.useFakeTimers({ now: ms, advanceTimers: true });

describe('TargetCache', () => {
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('asks once for many who ask at the same time', async () => {
    const cache = newCache();
    let asked = 0;
    const load = (): Promise<Confirmed<Target>> => {
      asked++;
      return says(old);
    };
    expect(await Promise.all([1, 2, 3].map(() => cache.get('a', load)))).toEqual([old, old, old]);
    expect(await cache.get('a', load)).toBe(old);
    expect(asked).toBe(1);
  });

  describe('while it is assured that nothing has changed', () => {
    const FRESH = 25_000;
    const lastingCache = async (): Promise<TargetCache<Target>> => {
      setClock(0);
      const cache = new TargetCache<Target>(
        1_000,
        () => 1,
        FRESH,
        () => true,
      );
      await cache.get('a', () => says(old));
      return cache;
    };
    const assuredUntil = (cache: TargetCache<Target>, ms: number): void => {
      for (let at = 5_000; at <= ms; at += 5_000) {
        setClock(at);
        cache.assure(at);
      }
    };

    it('does not ask again for minutes', async () => {
      const cache = await lastingCache();
      assuredUntil(cache, 200_000);
      expect(cache.known('a', '')).toBe(old);
      expect(await cache.get('a', fails)).toBe(old);
      assuredUntil(cache, 400_000);
      expect(cache.known('a', '')).toBeUndefined();
    });

    it('asks again as soon after the last assurance as after an answer', async () => {
      const cache = await lastingCache();
      assuredUntil(cache, 100_000);
      setClock(100_000 + FRESH * 0.8 * 0.8 - 1);
      expect(cache.known('a', '')).toBe(old);
      setClock(100_000 + FRESH * 0.8 * 0.8);
      expect(cache.known('a', '')).toBeUndefined();
      expect(await cache.get('a', () => says(fresh))).toBe(fresh);
    });

    it('asks for what is doubted, whatever was assured', async () => {
      const cache = await lastingCache();
      assuredUntil(cache, 10_000);
      cache.doubtAll();
      cache.assure(10_000);
      expect(cache.known('a', '')).toBeUndefined();
    });

    it('takes no assurance for a time that is yet to come', async () => {
      const cache = await lastingCache();
      cache.assure(1_000_000);
      setClock(FRESH);
      expect(cache.known('a', '')).toBeUndefined();
    });

    it('asks for what does not last, and for what is provisional, in their own time', async () => {
      const cache = await lastingCache();
      await cache.get('b', () => says(old, { provisional: true }));
      const shortLived = newCache();
      await shortLived.get('a', () => says(old));
      assuredUntil(cache, 50_000);
      shortLived.assure(50_000);
      expect(cache.known('b', '')).toBeUndefined();
      expect(shortLived.known('a', '')).toBeUndefined();
    });
  });

  it('remembers that there is none', async () => {
    const cache = newCache();
    expect(await cache.get('a', () => says(null))).toBeNull();
    expect(await cache.get('a', fails)).toBeNull();
  });

  it('asks again after an error, and passes it on while nothing is known', async () => {
    const cache = newCache();
    await expect(cache.get('a', fails)).rejects.toThrow('away');
    expect(await cache.get('a', () => says(old))).toBe(old);
  });

  it('does not remember an answer that was asked for before the name was forgotten', async () => {
    const cache = newCache();
    const before = pending();
    const first = cache.get('a', () => before.promise);
    cache.forget('a');
    const second = cache.get('a', () => says(fresh));
    before.answer(null);
    expect(await first).toBeNull();
    expect(await second).toBe(fresh);
    expect(await cache.get('a', fails)).toBe(fresh);
  });

  it('forgets absence when something was created, and keeps what it knows', async () => {
    const cache = newCache();
    await cache.get('absent', () => says(null));
    await cache.get('known', () => says(old));
    const [toNothing, toSomething] = [pending(), pending()];
    const flights = [cache.get('x', () => toNothing.promise), cache.get('y', () => toSomething.promise)];
    for (const name of ['absent', 'known', 'x', 'y']) cache.forgetAbsence(name);
    toNothing.answer(null);
    toSomething.answer(old);
    expect(await Promise.all(flights)).toEqual([null, old]);
    await expect(cache.get('absent', fails)).rejects.toThrow('away');
    await expect(cache.get('x', fails)).rejects.toThrow('away');
    expect(await cache.get('known', fails)).toBe(old);
    expect(await cache.get('y', fails)).toBe(old);
  });

  it('asks anew for all it doubts, and falls back on it when the database is away', async () => {
    const cache = newCache();
    const flight = pending();
    await cache.get('a', () => says(old));
    await cache.get('b', () => says(old));
    const asked = cache.get('c', () => flight.promise);
    cache.doubtAll();
    flight.answer(old);
    await asked;
    expect(cache.known('a', '')).toBeUndefined();
    expect(await cache.get('a', () => says(fresh))).toBe(fresh);
    expect(cache.known('a', '')).toBe(fresh);
    expect(await cache.get('b', fails)).toBe(old);
    expect(await cache.get('c', fails)).toBe(old);
  });

  it('does not join a question asked before it doubted', async () => {
    const cache = newCache();
    const before = pending();
    const first = cache.get('a', () => before.promise);
    cache.doubtAll();
    const second = cache.get('a', () => says(fresh));
    before.answer(old);
    expect(await Promise.all([first, second])).toEqual([old, fresh]);
    expect(cache.known('a', '')).toBe(fresh);
  });

  it('doubts by prefix, also what is under way, and serves it while the database does not answer', async () => {
    const cache = newCache();
    const flight = pending();
    await cache.get('x/1', () => says(old));
    await cache.get('y/1', () => says(old));
    const asked = cache.get('x/2', () => flight.promise);
    cache.doubtAll('x/');
    flight.answer(old);
    await asked;
    expect(cache.known('y/1', '')).toBe(old);
    expect(cache.known('x/1', '')).toBeUndefined();
    expect(await cache.get('x/2', fails)).toBe(old);
    expect(await cache.get('x/1', () => says(fresh))).toBe(fresh);
  });

  it('knows nothing any more of what is gone, doubted or replaced, however often it was asked for before', async () => {
    const cache = newCache(3);
    const known = (key: string): Target | undefined => cache.known('go.example', `/${key}`);
    const tell = (key: string, target: Target): Promise<unknown> => cache.get(`go.example/${key}`, () => says(target));
    for (const key of ['a', 'b', 'c']) {
      await tell(key, old);
      expect([known(key), known(key)]).toEqual([old, old]);
    }
    cache.doubtAll('go.example/a');
    expect(known('a')).toBeUndefined();
    await tell('a', fresh);
    expect(known('a')).toBe(fresh);
    cache.forget('go.example/b');
    expect(known('b')).toBeUndefined();
    await tell('d', old);
    await tell('e', old); // for which the least recently used goes
    expect(['a', 'c', 'd', 'e'].map(known)).toEqual([fresh, undefined, old, old]);
  });

  it('doubts what is such, what may be, and nothing else', async () => {
    const cache = newCache();
    const flight = pending();
    await cache.get('a', () => says(old));
    await cache.get('b', () => says(fresh));
    await cache.get('x', () => says(null));
    const asked = cache.get('c', () => flight.promise);
    cache.doubtWhere(({ url }) => url === 'old');
    flight.answer(fresh);
    await asked;
    expect(['a', 'b', 'c'].map((name) => cache.known(name, ''))).toEqual([undefined, fresh, undefined]);
    expect(await cache.get('a', fails)).toBe(old);
    await expect(cache.get('x', fails)).rejects.toThrow('away');
  });

  it('serves what it knew while the database does not answer', async () => {
    const cache = newCache();
    setClock(0);
    await cache.get('a', () => says(old));
    setClock(60_000);
    expect(await cache.get('a', fails)).toBe(old);
    // Not everybody who comes now waits for the next failure.
    expect(await cache.get('a', () => Promise.reject(new Error('asked again')))).toBe(old);
    setClock(62_000);
    // Nor for the one after: what the database says is for whoever comes then.
    const flight = pending();
    expect(await cache.get('a', () => flight.promise)).toBe(old);
    flight.answer(fresh);
    await flight.promise;
    expect(cache.known('a', '')).toBe(fresh);
  });

  it('waits for the database again when its last failure is long past', async () => {
    const cache = newCache();
    setClock(0);
    await cache.get('a', () => says(old));
    setClock(60_000);
    expect(await cache.get('a', fails)).toBe(old);
    setClock(66_000);
    expect(await cache.get('a', () => says(fresh))).toBe(fresh);
  });

  it('waits again once the database has answered, not once Redis has told what it said before', async () => {
    const cache = newCache();
    setClock(0);
    await cache.get('a', () => says(old));
    setClock(60_000);
    await expect(cache.get('b', fails)).rejects.toThrow('away');
    setClock(61_000);
    await cache.get('c', () => says(old, { confirmedAt: 59_000 }));
    const never = new Promise<never>(() => undefined);
    expect(await cache.get('a', () => never)).toBe(old);
    const other = newCache();
    setClock(0);
    await other.get('a', () => says(old));
    setClock(60_000);
    await expect(other.get('b', fails)).rejects.toThrow('away');
    setClock(61_000);
    await other.get('c', () => says(old));
    expect(await other.get('a', () => says(fresh))).toBe(fresh);
  });

  it('does not take its own overload for a database that is away', async () => {
    const cache = newCache();
    setClock(0);
    await cache.get('a', () => says(old));
    setClock(60_000);
    await expect(cache.get('b', () => Promise.reject(new Overloaded()))).rejects.toThrow(Overloaded);
    expect(await cache.get('a', () => says(fresh))).toBe(fresh);
  });

  it('asks for what is doubted before it answers, though the database has just failed', async () => {
    const cache = newCache();
    const flight = pending();
    await cache.get('a', () => says(old));
    const asked = cache.get('c', () => flight.promise);
    await expect(cache.get('b', fails)).rejects.toThrow('away');
    cache.doubtAll();
    flight.answer(old);
    await asked;
    await expect(cache.get('b', fails)).rejects.toThrow('away');
    expect(await cache.get('a', () => says(fresh))).toBe(fresh);
    await expect(cache.get('b', fails)).rejects.toThrow('away');
    expect(await cache.get('c', () => says(fresh))).toBe(fresh);
  });

  it('asks anew beside the requests it serves, when a name in demand is about to expire', async () => {
    const cache = newCache();
    jest.spyOn(Math, 'random').mockReturnValue(0.5); // no jitter: due after 20 s, fresh for 25 s
    setClock(0);
    await cache.get('a', () => says(old));
    setClock(22_000);
    const flight = pending();
    expect(cache.known('a', '')).toBeUndefined();
    expect(await cache.get('a', () => flight.promise)).toBe(old);
    expect(await cache.get('a', fails)).toBe(old);
    flight.answer(fresh);
    await flight.promise;
    expect(cache.known('a', '')).toBe(fresh);
  });

  it('waits for the answer when a name has expired', async () => {
    const cache = newCache();
    setClock(0);
    await cache.get('a', () => says(old));
    setClock(31_000);
    expect(await cache.get('a', () => says(fresh))).toBe(fresh);
  });

  it('reckons from when the database was asked, whoever passed the answer on', async () => {
    const cache = newCache();
    jest.spyOn(Math, 'random').mockReturnValue(0.5); // no jitter: due after 20 s, fresh for 25 s
    setClock(100_000);
    await cache.get('a', () => says(old, { confirmedAt: 85_000 }));
    expect(cache.known('a', '')).toBe(old);
    setClock(105_000);
    expect(cache.known('a', '')).toBeUndefined();
    setClock(110_000);
    expect(await cache.get('a', () => says(fresh))).toBe(fresh);
  });

  it('tells whoever asks anew what is known, and since when', async () => {
    const cache = newCache();
    setClock(100_000);
    await cache.get('a', (known) => says(known ? null : old, { confirmedAt: 90_000 }));
    setClock(150_000);
    const asked = jest.fn((_known: unknown) => says(fresh));
    await cache.get('a', asked);
    expect(asked).toHaveBeenCalledWith(expect.objectContaining({ value: old, confirmedAt: 90_000 }));
  });

  it('takes a provisional answer as true for a second, whether something is there or not', async () => {
    const cache = newCache();
    setClock(0);
    await cache.get('a', () => says(old, { provisional: true }));
    await cache.get('x', () => says(null, { provisional: true }));
    expect(await cache.get('a', fails)).toBe(old);
    expect(await cache.get('x', fails)).toBeNull();
    setClock(1_000);
    expect(await cache.get('a', () => says(fresh))).toBe(fresh);
    expect(await cache.get('x', () => says(fresh))).toBe(fresh);
  });

  it('holds what is true of a name, until its time is over or it is doubted', async () => {
    const cache = newCache();
    jest.spyOn(Math, 'random').mockReturnValue(0.5); // no jitter: fresh for 25 s
    setClock(0);
    await cache.get('a', () => says(old));
    setClock(24_999);
    expect([cache.holds('a', old), cache.holds('a', fresh), cache.holds('b', old)]).toEqual([true, false, false]);
    setClock(25_000);
    expect(cache.holds('a', old)).toBe(false);
    const flight = pending();
    const asked = cache.get('b', () => flight.promise);
    cache.doubtAll();
    flight.answer(old);
    expect(cache.holds('b', (await asked) ?? fresh)).toBe(false);
  });

  it('holds nothing that it serves for want of a better answer', async () => {
    const cache = newCache();
    await cache.get('a', () => says(old));
    cache.doubtAll();
    expect(await cache.get('a', fails)).toBe(old);
    expect(await cache.get('a', () => says(fresh))).toBe(old); // For a second it is not asked for again.
    await cache.get('b', () => says(old, { provisional: true }));
    expect([cache.holds('a', old), cache.holds('b', old)]).toEqual([false, false]);
  });

  it('does not join a question asked before the name was created', async () => {
    const cache = newCache();
    const before = pending();
    const first = cache.get('a', () => before.promise);
    cache.forgetAbsence('a');
    const second = cache.get('a', () => says(fresh));
    before.answer(null);
    expect(await Promise.all([first, second])).toEqual([null, fresh]);
    expect(cache.known('a', '')).toBe(fresh);
  });

  it('stays within its bytes, and lets no unknown name push out a known one', async () => {
    const cache = newCache(3);
    for (const name of ['a', 'b', 'c', 'd']) await cache.get(name, () => says(old));
    for (let n = 0; n < 60_000; n++) await cache.get(`x${n}`, () => says(null));
    expect(cache.size).toEqual({ entries: 3, bytes: 3, absences: 50_000 });
    expect(await cache.get('d', fails)).toBe(old);
    await expect(cache.get('a', fails)).rejects.toThrow('away');
  });

  it('keeps no more of the names that are not there than fit into their bytes', async () => {
    const cache = newCache();
    const nameOf = (n: number): string => `${'x'.repeat(5_000)}${n}`;
    for (let n = 0; n < 2_000; n++) await cache.get(nameOf(n), () => says(null));
    expect(cache.size.absences).toBeGreaterThan(1_600);
    expect(cache.size.absences).toBeLessThan(1_700);
    expect(await cache.get(nameOf(1_999), fails)).toBeNull();
  });

  it('serves nothing that was not confirmed for a day', async () => {
    const cache = newCache();
    setClock(0);
    await cache.get('a', () => says(old));
    setClock(25 * 3_600_000);
    await expect(cache.get('a', fails)).rejects.toThrow('away');
  });
});
