import type { Worker } from 'node:cluster';
import type { INestApplicationContext } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Readiness } from '../../platform/ops/readiness.js';
import { createLogger, type Logger } from '../../platform/telemetry/logger.js';
import { counts } from '../../platform/telemetry/metrics-of-processes.js';
import { leave } from '../leave.js';
import { registry } from '../../platform/telemetry/registry.js';
import { run } from '../run.js';
import { stopOnSignal } from '../stopping.js';
import type { Answers, Orders, Question, ToPrimary, ToWorker } from './messages.js';

const COUNTS_EVERY_MS = 1_000;

/** The life of one of several processes that play the redirect role: it does what the primary says, and outlives it by little. */
export async function redirectWorker(worker: Worker): Promise<void> {
  const { config: values, logLevel } = await orders(worker);
  const config = Config.received(values);
  const logger = createLogger(logLevel, process.stdout.isTTY).child({ worker: Number(config.redirectWorker) + 1 });
  try {
    const app = await run(config, logger);
    obey(worker, app, config, logger);
    await tell(worker, { kind: 'running' });
  } catch (error) {
    logger.error({ err: error }, 'A redirect worker could not start');
    await leave(1);
  }
}

/** Messages that come before somebody listens are lost: hence the question. */
function orders(worker: Worker): Promise<Orders> {
  return new Promise((resolve) => {
    worker.on('message', (message: ToWorker) => {
      if (message.kind === 'orders') resolve(message.orders);
    });
    worker.on('message', endEarly);
    void tell(worker, { kind: 'awaiting-orders' });
  });
}

/** Before it runs there is nothing to finish. */
function endEarly({ kind }: ToWorker): void {
  if (kind === 'stop') process.exit(0);
}

function obey(worker: Worker, app: INestApplicationContext, config: Config, logger: Logger): void {
  const report = async (): Promise<void> => tell(worker, { kind: 'counts', counts: await counts() });
  const reporting = setInterval(() => void report(), COUNTS_EVERY_MS);
  const stop = stopOnSignal(app, config, logger, async () => {
    clearInterval(reporting);
    await report();
  });
  worker.off('message', endEarly);
  worker.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') stop('the primary stops');
    if (message.kind === 'question') void answer(message.question, message.id);
  });
  worker.once('disconnect', () => {
    // Or Node would end this process on the spot, under the visitors it is serving.
    worker.exitedAfterDisconnect = true;
    stop('the primary is gone');
  });

  async function answer(question: Question, id: number): Promise<void> {
    const answers = {
      fault: () => fault(app.get(Readiness, { strict: false })),
      metrics: () => registry.getMetricsAsJSON(),
    };
    const said: Answers[Question] = await answers[question]();
    // What was shown once must not be missing from what this worker leaves behind.
    if (question === 'metrics') await report();
    await tell(worker, { kind: 'answer', id, answer: said });
  }
}

async function fault(readiness: Readiness): Promise<string | undefined> {
  if (readiness.stopping) return 'it is stopping';
  try {
    await Promise.all([...readiness.checks.values()].map((check) => check()));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Resolves when the message is on its way, or when there is nobody left to hear it. */
const tell = (worker: Worker, message: ToPrimary): Promise<void> =>
  new Promise((resolve) => {
    worker.send(message, () => resolve());
  });
