type Attributes = Record<string, string | number | boolean>;

/** What is begun, in the words of OpenTelemetry. */
export interface Beginning {
  name: string;
  kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** W3C traceparents: of the span this one is part of, and of those it has to do with. */
  parent?: string | undefined;
  links?: string[] | undefined;
  attributes?: Attributes | undefined;
  /** When it began, in ms since 1970; now, if left out. */
  at?: number | undefined;
}

export interface Ending {
  name?: string | undefined;
  attributes?: Attributes | undefined;
  /** Why it failed; undefined when it did not. */
  error?: unknown;
}

/** A piece of work, from its beginning to its end. */
export interface Span {
  /** Its place in the trace, for what it causes. */
  readonly traceparent: string;
  end(ending?: Ending): void;
}

/** Makes spans and exports them: see otlp.ts, which is loaded when it is wanted and not before. */
export interface Tracer {
  /** Whether it is recorded is decided by the sampler, and for its parts as well. */
  decided(beginning: Beginning): Span;
  /** It is recorded. */
  recorded(beginning: Beginning): Span;
  /** Sends what waits. */
  close(): Promise<void>;
}
