import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DnsServer, startDnsServer } from './dns-server.js';
import type { DomainBody } from './domains.js';
import { OwnPostgres } from './own-postgres.js';
import { Caller, eventually, request, unique } from './waypost.js';
import { freePorts, ownRedis, removeData, spawnWaypost, type WaypostProcess } from './waypost-process.js';

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

/** Roles in processes of their own, on a PostgreSQL, and where the suite runs on Redis a database of Redis, of their own. */
export class Deployment {
  readonly operator: Caller;
  private readonly processes = new Set<RoleProcess>();

  private constructor(
    private readonly dataDir: string,
    readonly postgres: OwnPostgres,
    private readonly dns: DnsServer,
    /** What every process of it is told. */
    readonly env: Readonly<Record<string, string>>,
    private readonly api: string,
    private readonly apiPort: string,
  ) {
    this.operator = new Caller(env.PLATFORM_KEY ?? '', api);
  }

  /** @param redis the number of its database, where the suite runs on Redis: one that no other file uses */
  static async open(redis: number): Promise<Deployment> {
    const dataDir = await mkdtemp(join(tmpdir(), 'waypost-roles-'));
    const [postgres, dns, { PORT }] = await Promise.all([OwnPostgres.start(dataDir), startDnsServer(), freePorts()]);
    const env = {
      ...ownRedis(redis),
      HOST: '127.0.0.1',
      DATABASE_OWNER_URL: postgres.adminUrl,
      DATABASE_URL: postgres.urlFor('waypost_app'),
      DATABASE_INGEST_URL: postgres.urlFor('waypost_ingest'),
      DATABASE_RESOLVER_URL: postgres.urlFor('waypost_resolver'),
      DNS_SERVERS: dns.address,
      SECRET_KEY: randomBytes(32).toString('base64'),
      PLATFORM_KEY: randomBytes(32).toString('base64'),
      DRAIN_SECONDS: '1',
      // Here one client stands for many.
      SCAN_LIMIT_PER_SECOND: '0',
      LOG_LEVEL: 'info',
    };
    const migration = spawnWaypost(env, 'dist/migrate.js');
    if ((await migration.exited) !== 0) throw new Error(`Not migrated:\n${migration.output()}`);
    return new Deployment(dataDir, postgres, dns, env, `http://127.0.0.1:${PORT}`, PORT);
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
    const waypost = spawnWaypost({ ...this.env, ...more, ...ports, APP_ROLE: role, DATA_DIR: dataDir });
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

  /** @returns the exit code */
  async stop(role: RoleProcess): Promise<number | NodeJS.Signals> {
    role.process.child.kill('SIGTERM');
    const code = await role.process.exited;
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
