import cluster, { type Worker } from 'node:cluster';
import type { Metrics } from '../../platform/telemetry/metrics-of-processes.js';
import type { Answers, Orders, Question, ToPrimary, ToWorker } from './messages.js';

const ANSWER_DEADLINE_MS = 900;

/** How a worker ended: its exit code, the signal that ended it, or why it could not even be started. */
export interface End {
  code?: number | null;
  signal?: string | null;
  reason?: string;
}

/** A worker as the primary sees it: from its fork to its end. */
export class RedirectWorker {
  private readonly worker: Worker;
  private readonly questions = new Map<number, (answer: never) => void>();
  private asked = 0;
  private stopping = false;
  /** Resolves when it has opened its port; never if it ends before. */
  readonly started: Promise<void>;
  /** Resolves when it has ended and all it said was heard. */
  readonly ended: Promise<End>;
  /** What it has counted so far, a second ago at most. */
  counts: Metrics = [];
  running = false;
  /** Once its counts are among those of the departed. */
  gone = false;
  /** False once looked at, until it says something again. */
  heard = true;

  constructor(orders: Orders) {
    this.worker = cluster.fork();
    this.started = new Promise((resolve) => {
      this.worker.on('message', (message: ToPrimary) => this.hear(message, orders, resolve));
    });
    this.ended = endOf(this.worker);
  }

  get pid(): number | undefined {
    return this.worker.process.pid;
  }

  /** @throws when it does not answer in time */
  ask<Q extends Question>(question: Q): Promise<Answers[Q]> {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.questions.delete(id);
        reject(new Error(`no answer within ${ANSWER_DEADLINE_MS} ms`));
      }, ANSWER_DEADLINE_MS);
      this.questions.set(id, (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      this.tell({ kind: 'question', id, question });
    });
  }

  /** It serves the visitors it has, and ends. */
  stop(): void {
    this.stopping = true;
    this.tell({ kind: 'stop' });
  }

  /** @returns what it has counted, which is no longer its own from here on */
  bury(): Metrics {
    const { counts } = this;
    this.gone = true;
    this.running = false;
    this.counts = [];
    return counts;
  }

  kill(): void {
    this.worker.process.kill('SIGKILL');
  }

  private tell(message: ToWorker): void {
    // One that is gone needs to be told nothing; its end is heard of by itself.
    this.worker.send(message, () => undefined);
  }

  private hear(message: ToPrimary, orders: Orders, started: () => void): void {
    this.heard = true;
    if (message.kind === 'awaiting-orders') this.tell(this.stopping ? { kind: 'stop' } : { kind: 'orders', orders });
    if (message.kind === 'counts') this.counts = message.counts;
    if (message.kind === 'running') {
      this.running = true;
      started();
    }
    if (message.kind === 'answer') {
      this.questions.get(message.id)?.(message.answer as never);
      this.questions.delete(message.id);
    }
  }
}

/** Its last words may arrive after its exit: the channel's end comes last. */
function endOf(worker: Worker): Promise<End> {
  const silent = new Promise<void>((resolve) => worker.once('disconnect', resolve));
  return new Promise((resolve) => {
    worker.once('exit', (code, signal) => void silent.then(() => resolve({ code, signal })));
    // No exit follows if there was no process. While there is one, an error is a message that did not get through.
    worker.on('error', (error: unknown) => {
      if (worker.process.pid === undefined) resolve({ reason: String(error) });
    });
  });
}
