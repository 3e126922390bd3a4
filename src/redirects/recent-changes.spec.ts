import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { RecentChanges } from './recent-changes.js';

const setClock = (ms: number): void => void jest.useFakeTimers({ now: ms });

describe('RecentChanges', () => {
  afterEach(() => void jest.useRealTimers());

  it('knows what was changed for its time, and lets nothing of that pass', () => {
    setClock(100_000);
    const changes = new RecentChanges(20_000);
    changes.change('a');
    setClock(119_999);
    expect([changes.touch('x', 'a'), changes.touch('x')]).toEqual([true, false]);
    expect([changes.allow(119_999, 'x', 'a'), changes.allow(1, 'x')]).toEqual([false, true]);
    setClock(120_000);
    expect([changes.touch('a'), changes.allow(119_999, 'a')]).toEqual([false, true]);
  });

  it('knows what was created for its time, and lets it pass', () => {
    setClock(100_000);
    const changes = new RecentChanges(20_000);
    changes.create('a');
    setClock(119_999);
    expect([changes.touch('x', 'a'), changes.touch('x'), changes.allow(119_999, 'a')]).toEqual([true, false, true]);
    setClock(120_000);
    expect(changes.touch('a')).toBe(false);
  });

  it('allows nothing that was confirmed before everything was doubted, and all that was confirmed later', () => {
    setClock(100_000);
    const changes = new RecentChanges(20_000);
    changes.doubtAll();
    setClock(110_000);
    expect([changes.touch('a'), changes.allow(100_000, 'a'), changes.allow(100_001, 'a')]).toEqual([true, false, true]);
    setClock(120_000);
    expect([changes.touch('a'), changes.allow(100_000, 'a')]).toEqual([false, false]);
  });

  it('doubts everything rather than lose a change, and loses a creation', () => {
    setClock(100_000);
    const changes = new RecentChanges(20_000, 2);
    for (const name of ['a', 'b', 'c']) changes.create(name);
    expect([changes.touch('a'), changes.touch('c')]).toEqual([false, true]);
    for (const name of ['a', 'b']) changes.change(name);
    expect(changes.touch('x')).toBe(false);
    changes.change('c');
    expect([changes.touch('a'), changes.allow(100_000, 'a')]).toEqual([true, false]);
  });

  it('forgets without doubt what is recent no longer', () => {
    setClock(100_000);
    const changes = new RecentChanges(20_000, 1);
    changes.change('a');
    setClock(120_000);
    changes.change('b');
    expect(changes.touch('x')).toBe(false);
  });
});
