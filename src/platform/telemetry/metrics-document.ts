import { described, registry } from './registry.js';
// What they define is what is described.
import './gauges.js';
import './metrics.js';

const HEAD = `# Metrics

Written by \`npm run metrics-doc\` from the code; a test fails when it is another. What they are good for:
[operations.md](operations.md#health-and-metrics).

\`/metrics\` on the ops port answers in the text format of Prometheus, or in OpenMetrics where the scraper's \`Accept\` has
\`application/openmetrics-text\`: with exemplars then, the ids of sampled traces (\`trace_id\`) on the buckets of histograms.

No label holds a key, a URL, a hostname or a tenant: how many series a process has depends on its version and its role, not on
how many links and tenants there are.

What is asked of a server (queues, outbox, dead letters, partitions, upkeep, the ledger) is asked at most every few seconds and with
a deadline of one second. While it does not answer, a scrape shows no sample of it, or NaN where that is said.
`;

/** docs/metrics.md. */
export function metricsDocument(): string {
  const ours = described
    .values()
    .toArray()
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const theirs = (registry.getMetricsAsArray() as Array<{ name: string; help: string }>)
    .filter(({ name }) => !described.has(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [
    HEAD,
    '## Of Waypost\n',
    ...ours.map(({ name, type, labels = [], roles, aggregator, buckets, help }) =>
      [
        `### \`${name}\`\n`,
        `${help}.\n`,
        `- Type: ${type}`,
        `- Labels: ${labels.length > 0 ? labels.map((label) => `\`${label}\``).join(', ') : 'none'}`,
        `- Roles: ${roles.join(', ')}`,
        ...(buckets ? [`- Buckets up to: ${buckets.join(', ')}`] : []),
        ...(aggregator === 'sum' ? [] : [`- Of several redirect workers or processes: the ${aggregator}`]),
        '',
      ].join('\n'),
    ),
    '## Of Node.js\n',
    'As `prom-client` collects them, in every role.\n',
    ...theirs.map(({ name, help }) => `- \`${name}\`: ${help.replace(/\.$/, '')}`),
    '',
  ].join('\n');
}
