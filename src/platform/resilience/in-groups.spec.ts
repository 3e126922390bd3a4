import { describe, expect, it } from '@jest/globals';
import { InGroups } from './in-groups.js';

const PATIENCE = 20;

/** Keeps every group until it is let go, and notes it. */
function held(parts: (error: unknown) => boolean = () => true) {
  const groups: Array<{ kind: string; given: number[]; finish: () => void; fail: (error: Error) => void }> = [];
  const work = new InGroups<number, string>(
    2,
    3,
    PATIENCE,
    () => new Error('too late'),
    (kind, given) => {
      const { promise, resolve, reject } = Promise.withResolvers<string[]>();
      const finish = (): void => resolve(given.map((n) => `${kind}${n}`));
      groups.push({ kind, given, finish, fail: reject });
      return promise;
    },
    parts,
  );
  return { work, groups };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('work in groups', () => {
  it('begins at once while there is room, and then with all that has come, up to a bound', async () => {
    const { work, groups } = held();
    const results = Promise.all([1, 2, 3, 4, 5, 6].map((n) => work.run('a', n)));
    expect(groups.map(({ given }) => given)).toEqual([[1], [2]]);
    groups[0]?.finish();
    await settled();
    expect(groups.slice(2).map(({ given }) => given)).toEqual([[3, 4, 5]]);
    groups[1]?.finish();
    await settled();
    expect(groups.slice(3).map(({ given }) => given)).toEqual([[6]]);
    groups.forEach(({ finish }) => finish());
    expect(await results).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6']);
  });

  it('is of one kind in each group, and kinds do not wait for each other', async () => {
    const { work, groups } = held();
    const results = Promise.all(['a', 'a', 'a', 'b'].map((kind) => work.run(kind, 1)));
    expect(groups.map(({ kind }) => kind)).toEqual(['a', 'a', 'b']);
    groups.forEach(({ finish }) => finish());
    await settled();
    groups.at(-1)?.finish();
    expect(await results).toEqual(['a1', 'a1', 'a1', 'b1']);
  });

  it('is done by itself where a group has failed, and so is all of its kind for a while', async () => {
    const { work, groups } = held();
    const results = Promise.allSettled([1, 2, 3, 4].map((n) => work.run('a', n)));
    groups[0]?.finish();
    await settled();
    groups[2]?.fail(new Error('one of them'));
    await settled();
    expect(groups.slice(3).map(({ given }) => given)).toEqual([[3], [4]]);
    void work.run('a', 5);
    void work.run('b', 6);
    expect(groups.slice(5).map(({ given }) => given)).toEqual([[5], [6]]);
    groups[3]?.fail(new Error('this one'));
    groups.forEach(({ finish }) => finish());
    expect((await results).map((result) => ('value' in result ? result.value : String(result.reason)))).toEqual([
      'a1',
      'a2',
      'Error: this one',
      'a4',
    ]);
  });

  it('is turned away where it has waited for too long, and is not done then', async () => {
    const { work, groups } = held();
    const results = [1, 2, 3].map((n) => work.run('a', n));
    await expect(results[2]).rejects.toThrow('too late');
    const another = work.run('a', 4);
    groups.forEach(({ finish }) => finish());
    await settled();
    groups.forEach(({ finish }) => finish());
    expect(await Promise.all([...results.slice(0, 2), another])).toEqual(['a1', 'a2', 'a4']);
  });

  it('is not done again where nobody knows what became of it', async () => {
    const { work, groups } = held(() => false);
    const results = Promise.allSettled([1, 2, 3, 4].map((n) => work.run('a', n)));
    groups[0]?.finish();
    await settled();
    groups[2]?.fail(new Error('lost'));
    groups[1]?.finish();
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(groups).toHaveLength(3);
  });
});
