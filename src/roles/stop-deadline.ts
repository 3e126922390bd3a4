/**
 * Ctrl-C on a laptop is over within 5 s, the database included; a cluster gives 30 s by default, and the chart as many, which
 * a test holds together.
 */
export const STOP_DEADLINE_MS = { embedded: 3_000, cluster: 25_000 };
