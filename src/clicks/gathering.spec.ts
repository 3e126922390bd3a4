import { describe, expect, it } from '@jest/globals';
import { Gathering } from './gathering.js';

/** Work that ends when it is told to. */
class Work {
  readonly rounds: number[][] = [];
  private ends: Array<(error?: Error) => void> = [];

  readonly start = (round: number[]): Promise<string[]> => {
    this.rounds.push(round);
    return new Promise((resolve, reject) => {
      this.ends.push((error) => (error ? reject(error) : resolve(round.map(String))));
    });
  };

  async end(error?: Error): Promise<void> {
    this.ends.shift()?.(error);
    await new Promise(setImmediate);
  }
}

describe('gathering', () => {
  it('works at once on what comes first, and together on what comes meanwhile', async () => {
    const work = new Work();
    const gathering = new Gathering<number, string>((all) => all, work.start);
    const results = [1, 2, 3].map((one) => gathering.join(one));
    expect(work.rounds).toEqual([[1]]);
    await work.end();
    expect(work.rounds).toEqual([[1], [2, 3]]);
    await work.end();
    expect(await Promise.all(results)).toEqual(['1', '2', '3']);
    const last = gathering.join(4);
    await work.end();
    expect(await last).toBe('4');
  });

  it('leaves for a later round what is not chosen', async () => {
    const work = new Work();
    const gathering = new Gathering<number, string>((all) => all.toSorted((a, b) => a - b).slice(0, 2), work.start);
    const results = [5, 4, 3, 2].map((one) => gathering.join(one));
    for (let n = 0; n < 3; n++) await work.end();
    expect(work.rounds).toEqual([[5], [3, 2], [4]]);
    expect(await Promise.all(results)).toEqual(['5', '4', '3', '2']);
  });

  it('fails those of a round that fails, and goes on', async () => {
    const work = new Work();
    const gathering = new Gathering<number, string>((all) => all, work.start);
    const results = [1, 2, 3].map((one) => gathering.join(one).catch((error: Error) => error.message));
    await work.end();
    await work.end(new Error('away'));
    const after = gathering.join(4);
    await work.end();
    expect(await Promise.all([...results, after])).toEqual(['1', 'away', 'away', '4']);
  });
});
