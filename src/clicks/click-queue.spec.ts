import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Queue } from 'bullmq';
import { ClickQueue } from './click-queue.js';
import type { ClicksJob } from './clicks.jobs.js';

const job = (segment: string): ClicksJob => ({ segment, frames: '' });

/** Sends to a queue that is open, and answers when the test says so. */
function newSender(): { sender: ClickQueue; adds: Array<PromiseWithResolvers<void>> } {
  const adds: Array<PromiseWithResolvers<void>> = [];
  const queue = {
    on: () => undefined,
    waitUntilReady: () => Promise.resolve(),
    getBackend: () => undefined,
    add: () => {
      const added = Promise.withResolvers<void>();
      adds.push(added);
      return added.promise;
    },
  };
  return { sender: new ClickQueue(queue as unknown as Queue<ClicksJob>, undefined as never), adds };
}

async function sendInVain(sender: ClickQueue, segment: string): Promise<void> {
  const sent = expect(sender.send(job(segment))).rejects.toThrow('no answer within 3000 ms');
  await jest.advanceTimersByTimeAsync(3_000);
  await sent;
}

describe('ClickQueue', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('gives a segment once to a server that is away, and waits for the same answer again', async () => {
    const { sender, adds } = newSender();
    for (let attempt = 0; attempt < 3; attempt++) await sendInVain(sender, 'a');
    expect(adds).toHaveLength(1);
    const sent = sender.send(job('a'));
    adds[0]?.resolve();
    await sent;
    expect(adds).toHaveLength(1);
  });

  it('gives another segment all the same', async () => {
    const { sender, adds } = newSender();
    await sendInVain(sender, 'a');
    const sent = sender.send(job('b'));
    adds[1]?.resolve();
    await sent;
    expect(adds).toHaveLength(2);
  });

  it('gives a segment again when the server has refused it, however late', async () => {
    const { sender, adds } = newSender();
    await sendInVain(sender, 'a');
    adds[0]?.reject(new Error('out of memory'));
    await jest.advanceTimersByTimeAsync(0);
    const sent = sender.send(job('a'));
    adds[1]?.resolve();
    await sent;
    expect(adds).toHaveLength(2);
  });
});
