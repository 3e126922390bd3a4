import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

export const registry = new Registry();

collectDefaultMetrics({ register: registry });

export const apiDuration = new Histogram({
  name: 'waypost_api_request_duration_seconds',
  help: 'Time from the first byte of an API request to the last of its answer, by route template',
  labelNames: ['method', 'route', 'status'] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10],
  registers: [registry],
});

export const redirects = new Counter({
  name: 'waypost_redirects_total',
  help: 'Answers of the redirect listener, by what was decided',
  labelNames: ['decision'] as const,
  registers: [registry],
});

export const clicksAccepted = new Counter({
  name: 'waypost_clicks_accepted_total',
  help: 'Clicks offered to the recorder and kept',
  registers: [registry],
});

export const clicksShed = new Counter({
  name: 'waypost_clicks_shed_total',
  help: 'Clicks dropped because the recorder was full',
  registers: [registry],
});

export const clicksStored = new Counter({
  name: 'waypost_clicks_stored_total',
  help: 'Clicks newly stored by ingest; a click delivered twice is counted once',
  registers: [registry],
});
