import { ALL_ROLES, counter, countedElsewhere, countedHistogram, histogram } from './registry.js';

// What happens: counters and histograms. What is at a moment is in gauges.ts. Names and meanings are a promise to whoever
// has built alerts on them.

const API = ['api'] as const;
const REDIRECT = ['redirect'] as const;
const WORKER = ['worker'] as const;

export const apiDuration = histogram({
  name: 'waypost_api_request_duration_seconds',
  help: 'Time from the first byte of an API request to the last of its answer, by route template',
  roles: API,
  labels: ['method', 'route', 'status'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10],
});

export const redirectDuration = countedHistogram({
  name: 'waypost_redirect_request_duration_seconds',
  help: 'Time from when a visit could be read to when its answer was handed to the connection, by status. Of visits answered together each counts with the time of the longest. Bytes that are no request have none',
  roles: REDIRECT,
  labels: ['status'],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  series: [{ status: 302 }, { status: 404 }, { status: 503 }],
});

export const opsDuration = histogram({
  name: 'waypost_ops_request_duration_seconds',
  help: 'Time a request to the operations port took, by route',
  roles: ALL_ROLES,
  labels: ['route', 'status'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10],
});

export const jobDuration = histogram({
  name: 'waypost_job_duration_seconds',
  help: 'Time the worker spent on a job, by queue and outcome: done or failed. A failed one is tried again',
  roles: WORKER,
  labels: ['queue', 'outcome'],
  buckets: [0.005, 0.025, 0.1, 0.3, 1, 3, 10, 30, 120],
  series: ['clicks', 'upkeep'].flatMap((queue) => ['done', 'failed'].map((outcome) => ({ queue, outcome }))),
});

export const clickFreshness = countedHistogram({
  name: 'waypost_click_freshness_seconds',
  help: 'Time from when a click happened to when it was stored and in analytics. One that is delivered again in a batch with new ones counts again',
  roles: WORKER,
  buckets: [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3600, 21_600],
});

export const redirects = counter({
  name: 'waypost_redirects_total',
  help: 'Visits by what was decided: found, fallback, unknown, gone, warned',
  roles: REDIRECT,
  labels: ['decision'],
  series: ['found', 'fallback', 'unknown', 'gone', 'warned'].map((decision) => ({ decision })),
});

export const redirectsShed = counter({
  name: 'waypost_redirects_shed_total',
  help: 'Visits refused with 503 because the process had too much to do',
  roles: REDIRECT,
});

export const redirectsLimited = counter({
  name: 'waypost_redirects_limited_total',
  help: 'Visits refused with 429 because their client had asked for too many names that are not there',
  roles: REDIRECT,
});

export const apiLimited = counter({
  name: 'waypost_api_limited_total',
  help: 'API requests refused with 429, by the limit that was reached: address, failures, credential or tenant',
  roles: API,
  labels: ['limit'],
  series: ['address', 'failures', 'credential', 'tenant'].map((limit) => ({ limit })),
});

export const redirectWorkerRestarts = counter({
  name: 'waypost_redirect_worker_restarts_total',
  help: 'Redirect workers that ended and were replaced, where REDIRECT_WORKERS is more than 1',
  roles: REDIRECT,
});

export const linksCreated = counter({
  name: 'waypost_links_created_total',
  help: 'Links created',
  roles: API,
});

export const linksDeleted = counter({
  name: 'waypost_links_deleted_total',
  help: 'Links deleted, one by one; those of a deleted tenant go with it and are not counted',
  roles: API,
});

export const tenantsCreated = counter({
  name: 'waypost_tenants_created_total',
  help: 'Tenants created',
  roles: API,
});

export const clicksAccepted = counter({
  name: 'waypost_clicks_accepted_total',
  help: 'Clicks written to the spool',
  roles: REDIRECT,
});

export const clicksAdopted = counter({
  name: 'waypost_clicks_adopted_total',
  help: 'Clicks that an earlier process had left in its spool, and that this one took over',
  roles: REDIRECT,
});

export const clicksShipped = counter({
  name: 'waypost_clicks_shipped_total',
  help: 'Clicks that the queue has taken from the spool',
  roles: REDIRECT,
});

export const clicksShed = counter({
  name: 'waypost_clicks_shed_total',
  help: 'Clicks lost because the spool was full or could not be written',
  roles: REDIRECT,
});

export const clicksStored = counter({
  name: 'waypost_clicks_stored_total',
  help: 'Clicks newly stored by ingest; a click delivered twice is counted once',
  roles: WORKER,
});

export const clicksDropped = counter({
  name: 'waypost_clicks_dropped_total',
  help: 'Clicks that ingest did not store, by reason: too_old, in_future (from a clock too far ahead), link_deleted',
  roles: WORKER,
  labels: ['reason'],
  series: ['too_old', 'in_future', 'link_deleted'].map((reason) => ({ reason })),
});

export const clicksDead = counter({
  name: 'waypost_clicks_dead_total',
  help: 'Dead letters made: clicks that could not be stored for what is in them, and segments that could not be opened',
  roles: WORKER,
});

export const outboxCarried = counter({
  name: 'waypost_outbox_events_carried_total',
  help: 'Events carried from the outbox to the bus',
  roles: WORKER,
});

export const auditSealed = counter({
  name: 'waypost_audit_events_sealed_total',
  help: 'Audit events that were chained',
  roles: WORKER,
});

export const auditFaults = counter({
  name: 'waypost_audit_faults_total',
  help: 'Times that a chain of audit events was found shorter or other than it was a moment ago, or an event could not be chained',
  roles: WORKER,
});

export const invalidations = counter({
  name: 'waypost_cache_invalidations_total',
  help: 'Changes heard of over the bus, by cause: link, domain, tenant; and gap: a time in which none could be heard, after which everything is doubted',
  roles: REDIRECT,
  labels: ['cause'],
  series: ['link', 'domain', 'tenant', 'gap'].map((cause) => ({ cause })),
});

export const cacheLookups = countedElsewhere({
  name: 'waypost_cache_lookups_total',
  help: 'Look-ups in the memory of the redirect role, by cache (domains, links) and outcome: hit, miss (what is below was asked), stale (answered past its time, for the database did not answer)',
  roles: REDIRECT,
  labels: ['cache', 'outcome'],
});

export const resolverQueries = counter({
  name: 'waypost_resolver_queries_total',
  help: 'Statements the redirect role sent to the database, by statement and by the server asked: primary, replica',
  roles: REDIRECT,
  labels: ['statement', 'server'],
});

export const sharedLookups = counter({
  name: 'waypost_shared_cache_lookups_total',
  help: 'Look-ups in Redis for what memory did not have, by cache and outcome: hit, miss, outdated, unreadable, error; all but hits were answered by the database',
  roles: REDIRECT,
  labels: ['cache', 'outcome'],
  series: ['domains', 'links'].flatMap((cache) =>
    ['hit', 'miss', 'outdated', 'unreadable', 'error'].map((outcome) => ({ cache, outcome })),
  ),
});

export const sharedCacheErrors = counter({
  name: 'waypost_shared_cache_errors_total',
  help: 'Operations that Redis did not do, in time or at all, or that were not tried because it did not answer lately, by operation: get, put, remove, count',
  roles: ['api', 'redirect'],
  labels: ['operation'],
  series: ['get', 'put', 'remove', 'count'].map((operation) => ({ operation })),
});

export const breakerOpenings = counter({
  name: 'waypost_circuit_breaker_openings_total',
  help: 'Times that a dependency was left alone for a while because it did not answer, by breaker: resolver_primary, resolver_replica, shared_cache',
  roles: ['api', 'redirect'],
  labels: ['breaker'],
});

export const spansExported = counter({
  name: 'waypost_trace_spans_total',
  help: 'Spans handed to the collector of traces, by outcome: exported, failed; those that had to be dropped before are in neither',
  roles: ALL_ROLES,
  labels: ['outcome'],
});

export const eventLoopActive = countedElsewhere({
  name: 'waypost_event_loop_active_seconds_total',
  help: 'Time in which the event loop had something to do: its rate is its utilisation, 1 of a process that never rests',
  roles: ALL_ROLES,
});

export const eventLoopLag = countedHistogram({
  name: 'waypost_event_loop_lag_seconds',
  help: 'How late a timer of 100 ms came: what everything else waits for, too',
  roles: ALL_ROLES,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
});
