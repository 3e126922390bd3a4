import type { OnApplicationShutdown } from '@nestjs/common';
import type { TracingSettings } from '../config/tracing-settings.js';
import { isSampled } from '../context/trace.js';
import type { Logger } from './logger.js';
import type { Beginning, Span, Tracer } from './span.js';

/** What waits then is lost, in ms: the process has seconds altogether. */
const CLOSE_DEADLINE_MS = 1_500;

/** Traces, where somebody wants them. Off, it costs its callers a look at a field. */
export class Tracing implements OnApplicationShutdown {
  static readonly off = new Tracing(undefined, 0);

  private constructor(
    private readonly tracer: Tracer | undefined,
    /** Of visits that do not say whether they are traced, the part that is. */
    readonly redirectRatio: number,
  ) {}

  static async open(settings: TracingSettings | undefined, role: string, logger: Logger): Promise<Tracing> {
    if (!settings) return Tracing.off;
    const { openTracer } = await import('./otlp.js');
    return new Tracing(openTracer(settings, role, logger), settings.redirectRatio);
  }

  get on(): boolean {
    return this.tracer !== undefined;
  }

  /** Begins what somebody outside asked for. @returns undefined when traces are off */
  enter(beginning: Beginning): Span | undefined {
    return this.tracer?.decided(beginning);
  }

  /** Begins what its caller wants recorded. @returns undefined when traces are off */
  record(beginning: Beginning): Span | undefined {
    return this.tracer?.recorded(beginning);
  }

  /** Begins a part of a recorded trace. @returns undefined for all others, and when traces are off */
  continue(parent: string | null | undefined, beginning: Beginning): Span | undefined {
    if (!this.tracer || !isSampled(parent)) return undefined;
    return this.tracer.recorded({ ...beginning, parent });
  }

  async onApplicationShutdown(): Promise<void> {
    if (!this.tracer) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_DEADLINE_MS);
    await Promise.race([this.tracer.close(), late]);
    clearTimeout(timer);
  }
}
