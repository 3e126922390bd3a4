import { ALL_ROLES, gauge } from './registry.js';

// What is at a moment. Whoever knows it has it watched; it is read when metrics are. Of what all workers are told by the
// same database or queue, each tells the same: take the max of those.

const REDIRECT = ['redirect'] as const;
const WORKER = ['worker'] as const;

export const buildInfo = gauge({
  name: 'waypost_build_info',
  help: 'Always 1: the version of Waypost, the role (APP_ROLE) and the version of Node.js of a process',
  roles: ALL_ROLES,
  labels: ['version', 'role', 'node'],
  aggregator: 'max',
});

export const poolSize = gauge({
  name: 'waypost_database_pool_size',
  help: 'Most connections that a pool may open, by pool: app, app_replica, ingest, resolver_primary, resolver_replica',
  roles: ALL_ROLES,
  labels: ['pool'],
});

export const poolConnections = gauge({
  name: 'waypost_database_pool_connections',
  help: 'Open connections of a pool, by pool and state: in_use, idle',
  roles: ALL_ROLES,
  labels: ['pool', 'state'],
});

export const poolWaiting = gauge({
  name: 'waypost_database_pool_waiting',
  help: 'Callers that wait for a connection of a pool',
  roles: ALL_ROLES,
  labels: ['pool'],
});

export const breakerOpen = gauge({
  name: 'waypost_circuit_breaker_open',
  help: '1 while a dependency is left alone because it did not answer, until it has answered once, by breaker: resolver_primary, resolver_replica, shared_cache',
  roles: ['api', 'redirect'],
  labels: ['breaker'],
  aggregator: 'max',
});

export const cacheEntries = gauge({
  name: 'waypost_cache_entries',
  help: 'Names remembered by the redirect cache, by cache (domains, links) and kind: present, or absent, which are known not to be there',
  roles: REDIRECT,
  labels: ['cache', 'kind'],
});

export const cacheBytes = gauge({
  name: 'waypost_cache_bytes',
  help: 'Memory the redirect cache reckons with, in bytes',
  roles: REDIRECT,
  labels: ['cache'],
});

export const cacheLimitBytes = gauge({
  name: 'waypost_cache_limit_bytes',
  help: 'Memory the redirect cache may reckon with: at the limit what was not asked for lately makes room',
  roles: REDIRECT,
  labels: ['cache'],
});

export const busHeartbeatAge = gauge({
  name: 'waypost_bus_heartbeat_age_seconds',
  help: 'Time since anything was heard over the bus; the worker says something every few seconds',
  roles: REDIRECT,
  // An edit is in force everywhere when the last has heard of it.
  aggregator: 'max',
});

export const spoolBytes = gauge({
  name: 'waypost_spool_bytes',
  help: 'Clicks on disk that the queue does not have yet, in bytes',
  roles: REDIRECT,
});

export const spoolLimitBytes = gauge({
  name: 'waypost_spool_limit_bytes',
  help: 'Bytes that may lie in the spool: past that clicks are shed',
  roles: REDIRECT,
});

export const spoolOldestAge = gauge({
  name: 'waypost_spool_oldest_age_seconds',
  help: 'Age of the oldest segment of clicks on disk that the queue does not have yet; 0 when there is none',
  roles: REDIRECT,
  aggregator: 'max',
});

export const clicksSpooled = gauge({
  name: 'waypost_clicks_spooled',
  help: 'Clicks on disk that the queue does not have yet: in flight',
  roles: REDIRECT,
});

export const queueJobs = gauge({
  name: 'waypost_queue_jobs',
  help: 'Jobs of a queue, by queue (clicks, upkeep) and state: waiting, active, delayed (tried again later, or scheduled), failed. None while the queue is away',
  roles: WORKER,
  labels: ['queue', 'state'],
  aggregator: 'max',
});

export const queueOldestJobAge = gauge({
  name: 'waypost_queue_oldest_job_age_seconds',
  help: 'How long the job of a queue that is next has waited to be begun; 0 when none waits. None while the queue is away',
  roles: WORKER,
  labels: ['queue'],
  aggregator: 'max',
});

export const clicksQueued = gauge({
  name: 'waypost_clicks_queued',
  help: 'Clicks that the queue has and the worker has not dealt with: in flight; NaN while that can not be told',
  roles: WORKER,
  aggregator: 'max',
});

export const segmentsQueued = gauge({
  name: 'waypost_click_segments_queued',
  help: 'Segments of clicks that the queue has and the worker has not dealt with; NaN while that can not be told',
  roles: WORKER,
  aggregator: 'max',
});

export const deadLetters = gauge({
  name: 'waypost_dead_letters',
  help: 'Dead letters that wait for an operator; NaN while that can not be told',
  roles: WORKER,
  aggregator: 'max',
});

export const outboxEvents = gauge({
  name: 'waypost_outbox_events',
  help: 'Events that wait in the outbox to be carried to the bus, counted up to 10,000. None while the database is away',
  roles: WORKER,
  aggregator: 'max',
});

export const outboxOldestAge = gauge({
  name: 'waypost_outbox_oldest_event_age_seconds',
  help: 'Age of the oldest event in the outbox; 0 when there is none. None while the database is away',
  roles: WORKER,
  aggregator: 'max',
});

export const partitionsAhead = gauge({
  name: 'waypost_click_partitions_ahead_months',
  help: 'Months after this one, without a gap, for which there is a partition of clicks; -1 when there is none even for this one. None while the database is away',
  roles: WORKER,
  aggregator: 'max',
});

export const ledgerDrift = gauge({
  name: 'waypost_ledger_drift_clicks',
  help: 'Clicks by which the ledger did not add up when the worker last reconciled it, by check: segments (accepted against stored, dropped and dead), days (stored against those segments), rollups (stored against their sums). At least so many: the first twenty differences are added up',
  roles: WORKER,
  labels: ['check'],
  aggregator: 'max',
});

export const ledgerMissing = gauge({
  name: 'waypost_ledger_missing_segments',
  help: 'Segments of clicks that were neither dealt with nor in the queue when the worker last reconciled the ledger',
  roles: WORKER,
  aggregator: 'max',
});

export const upkeepSuccess = gauge({
  name: 'waypost_upkeep_last_success_timestamp_seconds',
  help: 'When a job of the upkeep last ended well on any worker, in seconds since 1970, by task; none of one that never did',
  roles: WORKER,
  labels: ['task'],
  aggregator: 'max',
});

export const upkeepInterval = gauge({
  name: 'waypost_upkeep_interval_seconds',
  help: 'How often a job of the upkeep is due, by task',
  roles: WORKER,
  labels: ['task'],
  aggregator: 'max',
});
