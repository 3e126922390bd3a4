import autocannon from 'autocannon';
import { randomUUID } from 'node:crypto';

// Programs that call the API, in a process of their own: keep-alive connections, each with one request under way. Started
// with `fork`; each message is a round to make, and is answered with what came of it.

const TIMEOUT_SECONDS = 10;

process.on('message', (round) => {
  call(round).then(
    (result) => process.send({ result }),
    (error) => process.send({ error: error.message }),
  );
});
process.once('disconnect', () => process.exit());

/**
 * Asks on each connection as soon as it was answered, until `amount` is reached. A POST has an Idempotency-Key that
 * nobody else has; `paths`, where there are some, are drawn from at random.
 *
 * @returns requests answered, by status; per second; latency percentiles in ms
 */
async function call({ url, connections, amount, method = 'GET', headers = {}, body, paths }) {
  const latencies = [];
  const statuses = {};
  const setupRequest = (request) => {
    if (paths) request.path = paths[Math.floor(Math.random() * paths.length)];
    if (method === 'POST') request.headers['idempotency-key'] = randomUUID();
    return request;
  };
  const cpu = process.cpuUsage();
  const start = performance.now();
  let end = start;
  const result = await new Promise((resolve, reject) => {
    const requests = [{ method, headers, body, setupRequest }];
    const run = autocannon({ url, connections, amount, requests, timeout: TIMEOUT_SECONDS }, (error, ended) =>
      error ? reject(error) : resolve(ended),
    );
    run.on('response', (_client, status, _bytes, ms) => {
      end = performance.now();
      latencies.push(ms);
      statuses[status] = (statuses[status] ?? 0) + 1;
    });
  });
  if (result.errors > 0) throw new Error(`${result.errors} of the requests failed or took more than 10 s`);
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const percentile = (share) => latencies[Math.min(latencies.length - 1, Math.ceil(latencies.length * share) - 1)];
  return {
    requests: latencies.length,
    statuses,
    perSecond: (latencies.length / (end - start)) * 1000,
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
    callersCpuMs: (user + system) / 1000,
  };
}
