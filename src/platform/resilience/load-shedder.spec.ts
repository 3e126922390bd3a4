import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { LoadShedder } from './load-shedder.js';

/** Keeps the event loop busy, a turn of `ms` at a time. */
async function toil(turns: number, ms: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    const end = performance.now() + ms;
    while (performance.now() < end);
    await sleep(0);
  }
}

describe('LoadShedder', () => {
  it('is overloaded while as much work is open as may be, however it ends', async () => {
    const shedder = new LoadShedder({ open: 2, loopDelay: 250, window: 1_000 });
    const [one, two] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const first = shedder.run(() => one.promise);
    expect(shedder.overloaded).toBe(false);
    const second = shedder.run(() => two.promise);
    expect(shedder.overloaded).toBe(true);
    one.reject(new Error('failed'));
    await expect(first).rejects.toThrow('failed');
    expect(shedder.overloaded).toBe(false);
    two.resolve('done');
    expect(await second).toBe('done');
  });

  it('is overloaded while the turns of the event loop take too long, and no longer', async () => {
    const shedder = new LoadShedder({ open: 2, loopDelay: 50, window: 100 });
    shedder.onApplicationBootstrap();
    try {
      await toil(8, 80);
      expect(shedder.overloaded).toBe(true);
      await sleep(250);
      expect(shedder.overloaded).toBe(false);
      await toil(1, 80);
      await sleep(150);
      expect(shedder.overloaded).toBe(false);
    } finally {
      shedder.onApplicationShutdown();
    }
  });
});
