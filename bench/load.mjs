import autocannon from 'autocannon';

/**
 * Sends requests from `connections` keep-alive connections, each with one request under way, until `seconds` or `amount`
 * is reached. Latencies are therefore those at saturation, not those at a given rate.
 *
 * @returns requests answered, by status; per second; latency percentiles in ms
 */
export async function load({ url, connections, seconds, amount, method = 'GET', headers = {}, body }) {
  const latencies = [];
  const statuses = {};
  const start = performance.now();
  let end = start;
  const bound = amount === undefined ? { duration: seconds } : { amount };
  const result = await new Promise((resolve, reject) => {
    const run = autocannon({ url, connections, method, headers, body, timeout: 10, ...bound }, (error, ended) =>
      error ? reject(error) : resolve(ended),
    );
    run.on('response', (_client, status, _bytes, ms) => {
      end = performance.now();
      latencies.push(ms);
      statuses[status] = (statuses[status] ?? 0) + 1;
    });
  });
  if (result.errors > 0) throw new Error(`${result.errors} of the requests to ${url} failed or took more than 10 s`);
  latencies.sort((a, b) => a - b);
  const percentile = (share) => latencies[Math.min(latencies.length - 1, Math.ceil(latencies.length * share) - 1)];
  return {
    requests: latencies.length,
    statuses,
    perSecond: (latencies.length / (end - start)) * 1000,
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
  };
}
