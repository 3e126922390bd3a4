import { describe, expect, it, jest } from '@jest/globals';
import { createLogger } from './logger.js';
import { SlowLook } from './slow-look.js';

const logger = createLogger('silent', false);

describe('SlowLook', () => {
  it('asks once for all who look within its time, and again after it', async () => {
    let asked = 0;
    const look = new SlowLook('it', async () => ++asked, logger, 50);
    expect(await Promise.all([look.now(), look.now()])).toEqual([1, 1]);
    expect(await look.now()).toBe(1);
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 60);
    expect(await look.now()).toBe(2);
    clock.mockRestore();
  });

  it('tells nothing when it could not be told, and neither throws nor asks at once again', async () => {
    let asked = 0;
    const look = new SlowLook<number>(
      'it',
      async () => {
        asked++;
        throw new Error('away');
      },
      logger,
    );
    expect([await look.now(), await look.now()]).toEqual([undefined, undefined]);
    expect(asked).toBe(1);
  });

  it('waits no longer than its deadline for what hangs, and asks it no second time meanwhile', async () => {
    let asked = 0;
    const hanging = Promise.withResolvers<number>();
    const look = new SlowLook('it', () => (asked++, hanging.promise), logger);
    expect(await look.now()).toBeUndefined();
    expect(await look.now()).toBeUndefined();
    expect(asked).toBe(1);
    hanging.resolve(7);
    await hanging.promise;
    expect(await look.now()).toBe(7);
  });
});
