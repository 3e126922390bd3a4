import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { TypeID } from 'typeid-js';
import { AuditRecorder } from '../dist/audit/audit.recorder.js';
import { AuditRepository } from '../dist/audit/audit.repository.js';
import { ClickErasuresRecorder } from '../dist/clicks/click-erasures.recorder.js';
import { DestinationsReader } from '../dist/destinations/destinations.reader.js';
import { DestinationsRepository } from '../dist/destinations/destinations.repository.js';
import { DomainsReader } from '../dist/domains/domains.reader.js';
import { DomainsRepository } from '../dist/domains/domains.repository.js';
import { LinksRepository } from '../dist/links/links.repository.js';
import { LinksService } from '../dist/links/links.service.js';
import { ShortCodeNumbers } from '../dist/links/short-code-numbers.js';
import { systemContext } from '../dist/platform/context/system-context.js';
import { connect } from '../dist/platform/database/connect.js';
import { Transactions } from '../dist/platform/database/transactions.js';
import { connectionUrl } from '../dist/platform/embedded/cluster-secret.js';
import { OutboxRecorder } from '../dist/platform/outbox/outbox.recorder.js';
import { DeploymentKeys } from '../dist/platform/secrets/deployment-keys.js';
import { Secrets } from '../dist/platform/secrets/secrets.js';
import { createLogger } from '../dist/platform/telemetry/logger.js';
import { PlansRepository } from '../dist/plans/plans.repository.js';
import { QuotasRecorder } from '../dist/plans/quotas.recorder.js';
import { APP_ENTITIES } from '../dist/roles/entities.js';
import { load } from './load.mjs';
import { keep, mustAll, printTable } from './report.mjs';
import { ask, startWaypost } from './waypost.mjs';

// What the audit trail costs whoever creates a link: the same use case with the recorder and with one that records
// nothing, in turn, on a Waypost whose worker chains the events meanwhile. All links are of one tenant. Beside them the
// same over the API, from whose time that of the recorder is taken off. Then what it takes to verify the chain.

const ROUNDS = 9;
const LINKS = 400;
const AT_ONCE = 16;
const BOUND = 1.3;

const waypost = await startWaypost();
let transactions;
try {
  const pool = { url: await appUrl(waypost), applicationName: 'bench', poolSize: AT_ONCE, entities: APP_ENTITIES };
  const source = await connect(pool, createLogger('silent', false));
  transactions = new Transactions(source);
  const secrets = new Secrets(Buffer.from(waypost.secretKey, 'base64'));
  const keys = await DeploymentKeys.load(transactions, secrets);
  const tenantId = TypeID.fromString(waypost.tenantId).toUUID();
  const services = {
    with: serviceWith(keys, new AuditRecorder(new AuditRepository(), secrets)),
    without: serviceWith(keys, { record: async () => undefined }),
  };

  const rounds = [];
  for (let round = 0; round <= ROUNDS; round++) {
    // Each goes first in every second round, and the first round does not count.
    const order = round % 2 ? ['with', 'without'] : ['without', 'with'];
    const ms = {};
    for (const which of order) ms[which] = await perLink(services[which], systemContext(tenantId));
    const api = await perRequest();
    const ratio = { ofUseCase: ms.with / ms.without, ofRequest: api / (api - (ms.with - ms.without)) };
    if (round > 0) rounds.push({ ...ms, api, ratio });
  }
  const verified = await verify();
  report(rounds, verified);
  await keep('audit', { ROUNDS, LINKS, AT_ONCE, rounds, verified });
} finally {
  await transactions?.onApplicationShutdown();
  await waypost.stop();
}

function serviceWith(keys, audit) {
  const config = { region: { index: 0, count: 1 }, planLimits: { linksPerMonth: null } };
  const domains = new DomainsReader(new DomainsRepository());
  const numbers = new ShortCodeNumbers(config);
  const erasures = new ClickErasuresRecorder();
  const destinations = new DestinationsReader(new DestinationsRepository(), { lists: () => false });
  const quotas = new QuotasRecorder(config, new PlansRepository());
  // Lists are not asked for: no cursors.
  const rest = [audit, new OutboxRecorder(), undefined, keys, erasures, destinations, config, quotas];
  return new LinksService(transactions, new LinksRepository(), domains, numbers, ...rest);
}

/** @returns milliseconds for each, with so many under way at once */
async function perLink(service, ctx) {
  let left = LINKS;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await service.shorten(ctx, { url: `https://example.com/some/page?number=${left}` });
    }),
  );
  return (performance.now() - start) / LINKS;
}

/** @returns milliseconds for each, over the API */
async function perRequest() {
  const round = await load({
    url: `${waypost.apiUrl}/v1/shorten`,
    method: 'POST',
    connections: AT_ONCE,
    amount: LINKS,
    headers: { authorization: `Bearer ${waypost.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url: 'https://example.com/some/page' }),
  });
  mustAll(201, round);
  return 1000 / round.perSecond;
}

/** When all is chained: how many events a second are checked. */
async function verify() {
  for (;;) {
    const start = performance.now();
    const found = await ask(`${waypost.apiUrl}/v1/audit-events/verify`, { key: waypost.apiKey });
    if (!found.intact) throw new Error(`The trail is not intact: ${JSON.stringify(found.firstBreak)}`);
    const perSecond = (found.checked / (performance.now() - start)) * 1000;
    if (found.pending < 2) return { checked: found.checked, perSecond };
  }
}

async function appUrl({ dataDir }) {
  const secret = (await readFile(join(dataDir, 'postgres-password'), 'utf8')).trim();
  const port = Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[3]);
  return connectionUrl({ port, secret }, 'waypost_app', 'waypost');
}

function report(rounds, { checked, perSecond }) {
  console.log(`\nNode ${process.version}, ${availableParallelism()} cores`);
  console.log(`${LINKS} links of one tenant a round, ${AT_ONCE} at once; ms for each link`);
  printTable(
    ['round', 'with audit', 'without', 'ratio', 'over the API', 'ratio'],
    rounds.map((round, n) =>
      [n + 1, round.with, round.without, round.ratio.ofUseCase, round.api, round.ratio.ofRequest].map(
        (figure, column) => (column === 0 ? figure : figure.toFixed(3)),
      ),
    ),
  );
  const median = (which) => rounds.map(({ ratio }) => ratio[which]).toSorted((a, b) => a - b)[rounds.length >> 1];
  console.log(
    `\nMedian ratios: the use case ${median('ofUseCase').toFixed(3)}, a request ${median('ofRequest').toFixed(3)}`,
  );
  console.log(`The bound is ${BOUND} for a request`);
  console.log(`Verified ${checked} events, ${perSecond.toFixed(0)} a second`);
  if (median('ofRequest') > BOUND) process.exitCode = 1;
}
