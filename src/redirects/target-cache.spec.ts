import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { TargetCache } from './target-cache.js';

interface Target {
  url: string;
}
const old: Target = { url: 'old' };
const fresh: Target = { url: 'fresh' };
const fails = (): Promise<never> => Promise.reject(new Error('away'));

/** A database whose answer comes when the test says so. */
function pending<T>(): { promise: Promise<T>; answer: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, answer: resolve };
}

const setClock = (ms: number): void => void jest.useFakeTimers({ now: ms, advanceTimers: true });

describe('TargetCache', () => {
  afterEach(() => void jest.useRealTimers());

  it('asks once for many who ask at the same time', async () => {
    const cache = new TargetCache<Target>(10);
    let asked = 0;
    const load = async (): Promise<Target> => {
      asked++;
      return old;
    };
    expect(await Promise.all([1, 2, 3].map(() => cache.get('a', load)))).toEqual([old, old, old]);
    expect(await cache.get('a', load)).toBe(old);
    expect(asked).toBe(1);
  });

  it('remembers that there is none', async () => {
    const cache = new TargetCache<Target>(10);
    expect(await cache.get('a', () => Promise.resolve(null))).toBeNull();
    expect(await cache.get('a', fails)).toBeNull();
  });

  it('asks again after an error, and passes it on while nothing is known', async () => {
    const cache = new TargetCache<Target>(10);
    await expect(cache.get('a', fails)).rejects.toThrow('away');
    expect(await cache.get('a', () => Promise.resolve(old))).toBe(old);
  });

  it('does not remember an answer that was asked for before the name was forgotten', async () => {
    const cache = new TargetCache<Target>(10);
    const before = pending<Target | null>();
    const first = cache.get('a', () => before.promise);
    cache.forget('a');
    const second = cache.get('a', () => Promise.resolve(fresh));
    before.answer(null);
    expect(await first).toBeNull();
    expect(await second).toBe(fresh);
    expect(await cache.get('a', fails)).toBe(fresh);
  });

  it('forgets absence when something was created, and keeps what it knows', async () => {
    const cache = new TargetCache<Target>(10);
    await cache.get('absent', () => Promise.resolve(null));
    await cache.get('known', () => Promise.resolve(old));
    const [toNothing, toSomething] = [pending<Target | null>(), pending<Target | null>()];
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
    const cache = new TargetCache<Target>(10);
    const flight = pending<Target | null>();
    await cache.get('a', () => Promise.resolve(old));
    await cache.get('b', () => Promise.resolve(old));
    const asked = cache.get('c', () => flight.promise);
    cache.doubtAll();
    flight.answer(old);
    await asked;
    expect(cache.known('a')).toBeUndefined();
    expect(await cache.get('a', () => Promise.resolve(fresh))).toBe(fresh);
    expect(await cache.get('b', fails)).toBe(old);
    await expect(cache.get('c', fails)).rejects.toThrow('away');
  });

  it('forgets by prefix, also what is under way', async () => {
    const cache = new TargetCache<Target>(10);
    const flight = pending<Target | null>();
    await cache.get('x/1', () => Promise.resolve(old));
    await cache.get('y/1', () => Promise.resolve(old));
    const asked = cache.get('x/2', () => flight.promise);
    cache.forgetAll('x/');
    flight.answer(old);
    await asked;
    await expect(cache.get('x/1', fails)).rejects.toThrow('away');
    await expect(cache.get('x/2', fails)).rejects.toThrow('away');
    expect(await cache.get('y/1', fails)).toBe(old);
  });

  it('serves what it knew while the database does not answer', async () => {
    const cache = new TargetCache<Target>(10);
    setClock(0);
    await cache.get('a', () => Promise.resolve(old));
    setClock(60_000);
    expect(await cache.get('a', fails)).toBe(old);
    // Not everybody who comes now waits for the next failure.
    expect(await cache.get('a', () => Promise.reject(new Error('asked again')))).toBe(old);
    setClock(62_000);
    expect(await cache.get('a', () => Promise.resolve(fresh))).toBe(fresh);
  });
});
