import { describe, expect, it } from '@jest/globals';
import { SharedLookUps } from './shared-look-ups.js';

/** Look-ups that are answered when the test says so. */
function lookUps() {
  const shared = new SharedLookUps<string>();
  const begun: Array<{ answer: (value: string) => void; fail: (error: Error) => void }> = [];
  const ask = (thing = 'key'): Promise<string> =>
    shared.ask(thing, () => new Promise((answer, fail) => void begun.push({ answer, fail })));
  return { ask, begun };
}
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('look-ups of the same thing', () => {
  it('that come while one is under way are answered by the next, which begins after them', async () => {
    const { ask, begun } = lookUps();
    const first = ask();
    const waiting = [ask(), ask(), ask()];
    expect(begun).toHaveLength(1);
    begun[0]?.answer('before');
    expect(await first).toBe('before');
    await turn();
    expect(begun).toHaveLength(2);
    const late = ask();
    begun[1]?.answer('after');
    expect(await Promise.all(waiting)).toEqual(['after', 'after', 'after']);
    await turn();
    begun[2]?.answer('later');
    expect(await late).toBe('later');
    expect(begun).toHaveLength(3);
  });

  it('that come one after the other are each made', async () => {
    const { ask, begun } = lookUps();
    for (const n of [0, 1, 2]) {
      const answer = ask();
      expect(begun).toHaveLength(n + 1);
      begun[n]?.answer(String(n));
      expect(await answer).toBe(String(n));
      await turn();
    }
  });

  it('fail together, and not with the one before them', async () => {
    const { ask, begun } = lookUps();
    const first = ask();
    const waiting = [ask(), ask()];
    begun[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await turn();
    begun[1]?.fail(new Error('still away'));
    for (const { status } of await Promise.allSettled(waiting)) expect(status).toBe('rejected');
    await turn();
    const again = ask();
    begun[2]?.answer('back');
    expect(await again).toBe('back');
  });

  it('of different things do not wait for each other', () => {
    const { ask, begun } = lookUps();
    void ask('one');
    void ask('other');
    expect(begun).toHaveLength(2);
  });
});
