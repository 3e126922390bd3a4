import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export const registry = new Registry();

collectDefaultMetrics({ register: registry });

export const apiDuration = new Histogram({
  name: 'waypost_api_request_duration_seconds',
  help: 'Time from the first byte of an API request to the last of its answer, by route template',
  labelNames: ['method', 'route', 'status'] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10],
  registers: [registry],
});

/** Counts that a hot path keeps itself: looking a counter up by its labels would cost it more than all else it does. */
interface Tally {
  count: number;
}
const tallies: Array<() => void> = [];

/** @returns what is added to this counter whenever metrics are read */
export function tallyOf<T extends string>(counter: Counter<T>, labels: Record<T, string>): Tally {
  const tally = { count: 0 };
  tallies.push(() => {
    counter.inc(labels, tally.count);
    tally.count = 0;
  });
  return tally;
}

export const redirects = new Counter({
  name: 'waypost_redirects_total',
  help: 'Answers of the redirect listener, by what was decided',
  labelNames: ['decision'] as const,
  registers: [registry],
  collect: () => {
    for (const add of tallies) add();
  },
});

export const redirectsShed = new Counter({
  name: 'waypost_redirects_shed_total',
  help: 'Visits refused with 503 because the process had too much to do',
  registers: [registry],
});

export const redirectsLimited = new Counter({
  name: 'waypost_redirects_limited_total',
  help: 'Visits refused with 429 because their client had asked for too many names that are not there',
  registers: [registry],
});

export const redirectWorkerRestarts = new Counter({
  name: 'waypost_redirect_worker_restarts_total',
  help: 'Redirect workers that ended and were replaced, where REDIRECT_WORKERS is more than 1',
  registers: [registry],
});

export const clicksAccepted = new Counter({
  name: 'waypost_clicks_accepted_total',
  help: 'Clicks written to the spool',
  registers: [registry],
});

export const clicksShed = new Counter({
  name: 'waypost_clicks_shed_total',
  help: 'Clicks lost because the spool was full or could not be written',
  registers: [registry],
});

export const clicksStored = new Counter({
  name: 'waypost_clicks_stored_total',
  help: 'Clicks newly stored by ingest; a click delivered twice is counted once',
  registers: [registry],
});

export const clicksDropped = new Counter({
  name: 'waypost_clicks_dropped_total',
  help: 'Clicks that ingest did not store: too old, from a clock too far ahead, or of a link that is deleted',
  labelNames: ['reason'] as const,
  registers: [registry],
});

export const invalidations = new Counter({
  name: 'waypost_cache_invalidations_total',
  help: 'Changes heard of over the bus, and gaps after which everything is doubted',
  labelNames: ['cause'] as const,
  registers: [registry],
});

export const resolverQueries = new Counter({
  name: 'waypost_resolver_queries_total',
  help: 'Statements the redirect role sent to the database, by statement and by the server asked',
  labelNames: ['statement', 'server'] as const,
  registers: [registry],
});

export const sharedLookups = new Counter({
  name: 'waypost_shared_cache_lookups_total',
  help: 'Look-ups in Redis for what memory did not have; outdated and unreadable ones were answered by the database',
  labelNames: ['cache', 'outcome'] as const,
  registers: [registry],
});

export const sharedCacheErrors = new Counter({
  name: 'waypost_shared_cache_errors_total',
  help: 'Operations that Redis did not do, in time or at all, or that were not tried because it did not answer lately',
  labelNames: ['operation'] as const,
  registers: [registry],
});

type CacheSize = { entries: number; bytes: number; absences: number };

// Read when metrics are scraped.
const caches = new Map<string, () => CacheSize>();
let busHeardAt: (() => number) | undefined;
let spoolBytes: (() => number) | undefined;

export const watchCache = (cache: string, size: () => CacheSize): void => void caches.set(cache, size);

/** @param heardAt when anything was last heard, in ms since 1970 */
export const watchBus = (heardAt: () => number): void => {
  busHeardAt = heardAt;
};

/** @param bytes clicks on disk that the queue does not have yet */
export const watchSpool = (bytes: () => number): void => {
  spoolBytes = bytes;
};

registry.registerMetric(
  new Gauge({
    name: 'waypost_cache_entries',
    help: 'Names remembered by the redirect cache; absent ones are names known not to be there',
    labelNames: ['cache', 'kind'] as const,
    registers: [],
    collect() {
      for (const [cache, size] of caches) {
        this.set({ cache, kind: 'present' }, size().entries);
        this.set({ cache, kind: 'absent' }, size().absences);
      }
    },
  }),
);

registry.registerMetric(
  new Gauge({
    name: 'waypost_cache_bytes',
    help: 'Memory the redirect cache reckons with, in bytes',
    labelNames: ['cache'] as const,
    registers: [],
    collect() {
      for (const [cache, size] of caches) this.set({ cache }, size().bytes);
    },
  }),
);

registry.registerMetric(
  new Gauge({
    name: 'waypost_bus_heartbeat_age_seconds',
    help: 'Time since anything was heard over the bus; the worker says something every few seconds',
    registers: [],
    collect() {
      if (busHeardAt) this.set((Date.now() - busHeardAt()) / 1000);
    },
  }),
);

registry.registerMetric(
  new Gauge({
    name: 'waypost_spool_bytes',
    help: 'Clicks on disk that the queue does not have yet, in bytes',
    registers: [],
    collect() {
      if (spoolBytes) this.set(spoolBytes());
    },
  }),
);
