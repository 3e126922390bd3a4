import { describe, expect, it } from '@jest/globals';
import { TenantTurns } from './tenant-turns.js';

const refusal = new Error('Too many');

/** Work that ends when told to. */
function task(): { work: () => Promise<string>; end: () => void; begun: () => boolean } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let begun = false;
  const work = (): Promise<string> => {
    begun = true;
    return promise;
  };
  return { work, end: () => resolve('done'), begun: () => begun };
}

describe('turns of tenants', () => {
  it('let a few run, some more wait, and turn the others away', async () => {
    const turns = new TenantTurns(2, 1, () => refusal);
    const tasks = [task(), task(), task()];
    const answers = tasks.map(({ work }) => turns.run('a', work));
    await expect(turns.run('a', task().work)).rejects.toBe(refusal);
    expect(tasks.map(({ begun }) => begun())).toEqual([true, true, false]);
    tasks[0]?.end();
    await answers[0];
    expect(tasks[2]?.begun()).toBe(true);
    for (const { end } of tasks) end();
    expect(await Promise.all(answers)).toEqual(['done', 'done', 'done']);
  });

  it('are no other tenant’s', async () => {
    const turns = new TenantTurns(1, 0, () => refusal);
    const [one, other] = [task(), task()];
    const answers = [turns.run('a', one.work), turns.run('b', other.work)];
    expect([one.begun(), other.begun()]).toEqual([true, true]);
    one.end();
    other.end();
    await Promise.all(answers);
  });

  it('are given back by what fails, and forgotten when nothing is under way', async () => {
    const turns = new TenantTurns(1, 0, () => refusal);
    const fault = new Error('No');
    await expect(turns.run('a', () => Promise.reject(fault))).rejects.toBe(fault);
    expect(turns.size).toBe(0);
    expect(await turns.run('a', () => Promise.resolve(1))).toBe(1);
    expect(turns.size).toBe(0);
  });
});
