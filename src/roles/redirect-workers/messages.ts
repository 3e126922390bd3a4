import type { Config } from '../../platform/config/config.js';
import type { Metrics } from '../../platform/telemetry/metrics-of-processes.js';

/** What the primary may ask a worker, and the answers. */
export interface Answers {
  /** Why it is not ready; undefined when it is. */
  fault: string | undefined;
  metrics: Metrics;
}
export type Question = keyof Answers;

/** Secrets are among these values: they travel over the channel between the two processes, and nowhere else. */
export interface Orders {
  config: Config;
  logLevel: string;
}

export type ToWorker =
  { kind: 'orders'; orders: Orders } | { kind: 'question'; id: number; question: Question } | { kind: 'stop' };

export type ToPrimary =
  | { kind: 'awaiting-orders' }
  | { kind: 'running' }
  /** Once a second, and last of all: what it counted must outlive it. */
  | { kind: 'counts'; counts: Metrics }
  | { kind: 'answer'; id: number; answer: Answers[Question] };
