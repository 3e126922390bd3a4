import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DnsServer, startDnsServer } from './dns-server.js';
import type { DomainBody } from './domains.js';
import { OwnPostgres } from './own-postgres.js';
import { Caller, eventually, request, unique } from './waypost.js';
import { freePorts, ownRedis, removeData, ROOT, spawnWaypost, type WaypostProcess } from './waypost-process.js';

/** In ms. A process gives itself 25 s, and Kubernetes kills it after 30. */
const LAST_MOMENT = 30_000;

type Ports = Awaited<ReturnType<typeof freePorts>>;

/** A process of one role. */
export interface RoleProcess {
  process: WaypostProcess;
  ports: Ports;
  dataDir: string;
  port: number;
  ops: string;
}

/** A tenant of a deployment. */
export interface Customer extends Caller {
  tenantId: string;
  /** Hostname of its primary domain. */
  domain: string;
  domainId: string;
}

/** Where a deployment begins otherwise than with a new database of its own. */
interface Given {
  start?: (dataDir: string) => Promise<OwnPostgres>;
  /** Before the migration. */
  fill?: (postgres: OwnPostgres) => Promise<void>;
  env?: Record<string, string>;
  /** Where its code is, and what migrates it. */
  code?: { root: string; migrate: string };
}

/** Roles in processes of their own, on a PostgreSQL, and where the suite runs on Redis a database of Redis, of their own. */
export class Deployment {
  readonly operator: Caller;
  private readonly processes = new Set<RoleProcess>();

  private constructor(
    /** Where the code is of processes that are started from now on. */
    public root: string,
    private readonly dataDir: string,
    readonly postgres: OwnPostgres,
    private readonly dns: DnsServer,
    /** What every process of it is told. */
    readonly env: Readonly<Record<string, string>>,
    readonly api: string,
    private readonly apiPort: string,
  ) {
    this.operator = new Caller(env.PLATFORM_KEY ?? '', api);
  }

  /**
   * @param redis its URL; or a number that no other file uses, for a part of the Redis that the suite runs on, if it does;
   * undefined: none
   */
  static async open(redis: number | string | undefined, given: Given = {}): Promise<Deployment> {
    const dataDir = await mkdtemp(join(tmpdir(), 'waypost-roles-'));
    const { start = OwnPostgres.start, fill } = given;
    const [postgres, dns, { PORT }] = await Promise.all([start(dataDir), startDnsServer(), freePorts()]);
    const env = {
      ...(typeof redis === 'number' ? ownRedis(redis) : { REDIS_URL: redis ?? '' }),
      HOST: '127.0.0.1',
      DATABASE_OWNER_URL: postgres.adminUrl,
      DATABASE_URL: postgres.urlFor('waypost_app'),
      DATABASE_INGEST_URL: postgres.urlFor('waypost_ingest'),
      DATABASE_RESOLVER_URL: postgres.urlFor('waypost_resolver'),
      DNS_SERVERS: dns.address,
      SECRET_KEY: randomBytes(32).toString('base64'),
      PLATFORM_KEY: randomBytes(32).toString('base64'),
      DRAIN_SECONDS: '1',
      // To make and to drop partitions is most of what a deployment costs, and the shared one has as many as by default.
      HASH_PARTITIONS: '4',
      // Here one client stands for many.
      SCAN_LIMIT_PER_SECOND: '0',
      LOG_LEVEL: 'info',
      ...given.env,
    };
    await fill?.(postgres);
    const { root, migrate } = given.code ?? { root: ROOT, migrate: 'dist/waypost.js migrate' };
    const migration = spawnWaypost(env, migrate, false, root);
    if ((await migration.exited) !== 0) throw new Error(`Not migrated:\n${migration.output()}`);
    return new Deployment(root, dataDir, postgres, dns, env, `http://127.0.0.1:${PORT}`, PORT);
  }

  /**
   * @param like a process that has ended, on whose ports and folder this one goes on
   * @param more settings of this process alone
   */
  async start(
    role: 'api' | 'redirect' | 'worker',
    like?: RoleProcess,
    more: Record<string, string> = {},
  ): Promise<RoleProcess> {
    const ports = like?.ports ?? { ...(await freePorts()), ...(role === 'api' && { PORT: this.apiPort }) };
    const dataDir = like?.dataDir ?? join(this.dataDir, unique(role));
    const env = { ...this.env, ...more, ...ports, APP_ROLE: role, DATA_DIR: dataDir };
    const waypost = spawnWaypost(env, 'dist/main.js', false, this.root);
    const started = {
      process: waypost,
      ports,
      dataDir,
      port: Number(ports.REDIRECT_PORT),
      ops: `http://127.0.0.1:${ports.OPS_PORT}`,
    };
    this.processes.add(started);
    await eventually(
      async () => {
        if (waypost.child.exitCode !== null) throw new Error(`It ended by itself:\n${waypost.output()}`);
        return waypost.output();
      },
      (output) => output.includes('Waypost is running'),
      30,
    );
    return started;
  }

  /** @returns the exit code; SIGKILL for one that did not end, of which is told what it was doing */
  async stop(role: RoleProcess): Promise<number | NodeJS.Signals> {
    role.process.child.kill('SIGTERM');
    const late = setTimeout(() => {
      process.stderr.write(`It did not end within ${LAST_MOMENT} ms: ${stateOf(role.process)}`);
      role.process.child.kill('SIGKILL');
    }, LAST_MOMENT);
    const code = await role.process.exited;
    clearTimeout(late);
    this.processes.delete(role);
    return code;
  }

  async kill(role: RoleProcess): Promise<void> {
    role.process.child.kill('SIGKILL');
    await role.process.exited;
    this.processes.delete(role);
  }

  async newTenant(): Promise<Customer> {
    const slug = unique();
    const { body } = await this.operator.post<{ id: string; apiKey: string }>('/v1/tenants', { name: slug, slug });
    const caller = new Caller(body.apiKey, this.api);
    const { id, hostname } = await this.newDomain(caller);
    return Object.assign(caller, { tenantId: body.id, domain: hostname, domainId: id });
  }

  /** Verified, over DNS. */
  async newDomain(caller: Caller): Promise<DomainBody> {
    const { body } = await caller.post<DomainBody>('/v1/domains', { hostname: `${unique()}.example` });
    this.dns.records.set(body.verification.name, [[body.verification.value]]);
    const verified = await caller.post<DomainBody>(`/v1/domains/${body.id}/verify`);
    if (!verified.body.verified) throw new Error(`Not verified: ${JSON.stringify(verified.body)}`);
    return verified.body;
  }

  /** @returns the exit codes of all that still ran */
  async close(): Promise<Array<number | NodeJS.Signals>> {
    this.postgres.thaw();
    const codes = await Promise.all([...this.processes].map((role) => this.stop(role)));
    this.dns.close();
    await this.postgres.stop();
    await removeData(this.dataDir);
    return codes;
  }
}

/** Its threads, each with what it waits for in the kernel and the ticks it has used, and the last it has said. */
function stateOf({ child, output }: WaypostProcess): string {
  const threads = `/proc/${child.pid}/task`;
  const seen =
    process.platform === 'linux'
      ? readdirSync(threads).map((id) => {
          const [, name, rest = ''] = /\((.*)\) (.*)/.exec(readFileSync(`${threads}/${id}/stat`, 'utf8')) ?? [];
          const [state, user, system] = [0, 11, 12].map((at) => rest.split(' ')[at]);
          return `${name} ${state} ${user}+${system} ${readFileSync(`${threads}/${id}/wchan`, 'utf8')}`;
        })
      : [];
  return `${seen.join(', ')}\n${output().slice(-3_000)}\n`;
}

/** Clicks of a link as analytics have them. */
export async function clicksOf(caller: Caller, linkId: string): Promise<number> {
  const { body } = await caller.get<{ clicks: number }>(`/v1/analytics?groupBy=count&linkId=${linkId}`);
  return body.clicks;
}

/** A metric without labels, as a process tells it now. */
export async function metricOf({ ops }: RoleProcess, name: string): Promise<number> {
  const { text } = await request<string>('GET', `${ops}/metrics`);
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}
