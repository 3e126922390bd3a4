import http from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Balancer } from '../support/balancer.js';
import { clicksOf, type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { buildEarlier, earlierSchema } from '../support/earlier-version.js';
import { FullLoad } from '../support/load.js';
import { eventually, type LinkBody } from '../support/waypost.js';
import { freePorts, ROOT, spawnWaypost } from '../support/waypost-process.js';

const VISITORS = 8;
const PROGRAMS = 3;
const BETWEEN_MS = 500;

const earlier = earlierSchema();
if ('reason' in earlier) process.stderr.write(`Skipped: the upgrade from an earlier schema, for ${earlier.reason}\n`);

/** Programs that create links, one after the other, each over a connection of its own. */
class Programs {
  readonly created: LinkBody[] = [];
  readonly failures: string[] = [];
  private stopped = false;
  private readonly running: Promise<unknown>;

  constructor(
    private readonly port: number,
    private readonly apiKey: string,
  ) {
    this.running = Promise.all(Array.from({ length: PROGRAMS }, () => this.work()));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async work(): Promise<void> {
    while (!this.stopped) {
      try {
        this.created.push(await this.create());
      } catch (error) {
        this.failures.push(String(error));
      }
      await sleep(10);
    }
  }

  private create(): Promise<LinkBody> {
    const body = JSON.stringify({ url: 'https://example.com/made-meanwhile' });
    const headers = { authorization: `Bearer ${this.apiKey}`, 'content-type': 'application/json', connection: 'close' };
    const options = { method: 'POST', port: this.port, path: '/v1/links', headers, agent: false };
    return new Promise((resolve, reject) => {
      const asked = http.request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 201) resolve(JSON.parse(text) as LinkBody);
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      });
      asked.on('error', reject).end(body);
    });
  }
}

('reason' in earlier ? describe.skip : describe)('an upgrade from the schema before', () => {
  let folder: string;
  let deployment: Deployment;
  let tenant: Customer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waypost-upgrade-'));
    const code = await buildEarlier('commit' in earlier ? earlier.commit : '', join(folder, 'earlier'));
    deployment = await Deployment.open(undefined, { code });
  }, 180_000);
  afterAll(async () => {
    await deployment.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const another = async (role: 'api' | 'redirect', n: number): Promise<RoleProcess> => {
    const ports = await freePorts();
    // Of which it takes ports and folder, as the next one on them does.
    return deployment.start(role, { ports, dataDir: join(folder, `${role}-${n}`) } as RoleProcess);
  };

  /** As an orchestrator does: one at a time, and none before the last is ready. */
  async function roll(role: 'api' | 'redirect', processes: RoleProcess[]): Promise<void> {
    for (const [at, before] of processes.entries()) {
      expect(await deployment.stop(before)).toBe(0);
      processes[at] = await deployment.start(role, before);
      // Until the balancer has seen that it is ready.
      await sleep(BETWEEN_MS);
    }
  }

  it('loses no request, no link and no click', async () => {
    const [worker, first] = await Promise.all([deployment.start('worker'), deployment.start('api')]);
    tenant = await deployment.newTenant();
    const link = await tenant.link();
    const apis = [first, await another('api', 1)];
    const redirects = [await another('redirect', 0), await another('redirect', 1)];
    const [links, api] = [
      new Balancer(redirects),
      new Balancer(apis.map((one) => ({ ...one, port: Number(one.ports.PORT) }))),
    ];
    const [port, apiPort] = await Promise.all([links.listen(), api.listen()]);
    const visitors = new FullLoad({ port }, VISITORS, () => ({ host: tenant.domain, path: `/${link.key}` }));
    const programs = new Programs(apiPort, tenant.apiKey);
    await sleep(BETWEEN_MS);

    const migration = spawnWaypost(deployment.env, 'dist/waypost.js migrate');
    expect(`${await migration.exited}: ${migration.output()}`).toMatch(/^0: Migrated: /);
    const beforeRoll = [visitors.answered, programs.created.length];
    // The version before goes on, on the new schema.
    await sleep(2 * BETWEEN_MS);
    deployment.root = ROOT;
    await roll('api', apis);
    await roll('redirect', redirects);
    const next = await deployment.start('worker');
    expect(await deployment.stop(worker)).toBe(0);
    await sleep(BETWEEN_MS);
    await Promise.all([visitors.stop(), programs.stop()]);
    links.close();
    api.close();

    process.stdout.write(
      `Upgraded from ${'commit' in earlier ? earlier.commit.slice(0, 10) : ''}: ${visitors.answered} visits ` +
        `(${beforeRoll[0]} until the migration was done), ${programs.created.length} links created (${beforeRoll[1]}), ` +
        `${visitors.failures.length + programs.failures.length} failed\n`,
    );
    expect([visitors.failures, programs.failures]).toEqual([[], []]);
    expect([...visitors.statuses.keys()]).toEqual([302]);
    expect(programs.created.length).toBeGreaterThan(beforeRoll[1] ?? 0);
    await eventually(() => clicksOf(tenant, link.id), (clicks) => clicks === visitors.answered, 60); // prettier-ignore
    const some = [programs.created[0], programs.created.at(-1)];
    for (const one of some) expect((await tenant.get(`/v1/links/${one?.id}`)).status).toBe(200);
    expect(new Set(programs.created.map(({ key }) => key)).size).toBe(programs.created.length);
    await reconciled([...redirects, next]);
  }, 180_000);

  async function reconciled(processes: RoleProcess[]): Promise<void> {
    const spools = processes.map(({ dataDir }) => `--spool ${join(dataDir, 'spool')}`).join(' ');
    const env = { ...deployment.env, DATA_DIR: join(folder, 'redirect-0') };
    const command = spawnWaypost(env, `dist/waypost.js reconcile --json ${spools}`);
    expect([await command.exited, (JSON.parse(command.output()) as { drift: string[] }).drift]).toEqual([0, []]);
  }
});
