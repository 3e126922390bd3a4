import {
  type Context,
  diag,
  DiagLogLevel,
  type Link,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  type SpanContext,
  SpanStatusCode,
  trace,
  type Tracer as OtelTracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing-settings.js';
import { version } from './build-info.js';
import type { Logger } from './logger.js';
import { spansExported } from './metrics.js';
import type { Beginning, Ending, Span, Tracer } from './span.js';

/** Spans that wait. Past that, new ones are dropped: a collector that is away costs memory up to this, and nobody time. */
const QUEUE = { maxQueueSize: 8_192, maxExportBatchSize: 512, scheduledDelayMillis: 1_000 };
/** A collector that is away for an hour is no reason for an hour of lines. */
const LOG_EVERY_MS = 30_000;
const OK = 0;

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** Exports over OTLP/HTTP, as JSON. The endpoint is the operator's, not a tenant's: it is asked without the guard for those. */
export function openTracer(settings: TracingSettings, role: string, logger: Logger): Tracer {
  quietly(logger);
  const { url, headers, timeoutMs: timeoutMillis, serviceName, resource: given } = settings;
  const resource = resourceFromAttributes({
    'service.name': serviceName,
    'service.version': version,
    'waypost.role': role,
    ...given,
  });
  const exporter = counted(new OTLPTraceExporter({ url, headers, timeoutMillis }));
  const spanProcessors = [new BatchSpanProcessor({ exporter, exportTimeoutMillis: timeoutMillis, ...QUEUE })];
  const tracerWith = (sampler: Sampler): OtelTracer =>
    new TracerProvider({ resource, spanProcessors, sampler }).getTracer('waypost', version);
  const [deciding, recording] = [tracerWith(samplerOf(settings.sampler)), tracerWith(new AlwaysOnSampler())];
  return {
    decided: (beginning) => begin(deciding, beginning),
    recorded: (beginning) => begin(recording, beginning),
    close: async () => {
      // What was not sent is counted and logged where it failed.
      await Promise.allSettled(spanProcessors.map((processor) => processor.shutdown()));
    },
  };
}

function samplerOf({ parentBased, ratio }: TracingSettings['sampler']): Sampler {
  const root =
    ratio === 0 ? new AlwaysOffSampler() : ratio === 1 ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(ratio);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}

function begin(tracer: OtelTracer, { name, kind, parent, links = [], attributes, at }: Beginning): Span {
  const span = tracer.startSpan(
    name,
    {
      kind: KINDS[kind],
      links: links.flatMap((link): Link[] => {
        const context = spanContext(link);
        return context ? [{ context }] : [];
      }),
      ...(attributes && { attributes }),
      ...(at !== undefined && { startTime: at }),
    },
    parentContext(parent),
  );
  const { traceId, spanId, traceFlags } = span.spanContext();
  const flags = traceFlags.toString(16).padStart(2, '0');
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, end: (ending) => end(span, ending) };
}

function end(span: OtelSpan, { name, attributes, error }: Ending = {}): void {
  if (name !== undefined) span.updateName(name);
  if (attributes) span.setAttributes(attributes);
  if (error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    // Its kind and no more: what a database or a library says may hold customers' data.
    span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
  }
  span.end();
}

const parentContext = (traceparent: string | undefined): Context => {
  const context = traceparent === undefined ? undefined : spanContext(traceparent);
  return context ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
};

function spanContext(traceparent: string): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return trace.isSpanContextValid(context) ? context : undefined;
}

function counted(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans: ReadableSpan[], done) =>
      exporter.export(spans, (result) => {
        spansExported.inc({ outcome: Number(result.code) === OK ? 'exported' : 'failed' }, spans.length);
        done(result);
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}

/** What the library has to complain about. It throws nothing at its users. */
function quietly(logger: Logger): void {
  let loggedAt = -Infinity;
  const complain = (reason: string): void => {
    if (performance.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = performance.now();
    logger.warn({ reason: reason.slice(0, 500) }, 'Traces can not be exported');
  };
  const nothing = (): void => undefined;
  diag.setLogger(
    { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
