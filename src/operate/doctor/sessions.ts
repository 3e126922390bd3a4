import pg from 'pg';
import type { Config, Role as ProcessRole, Settings } from '../../platform/config/config.js';
import { type Finding, finding } from './finding.js';

const DEADLINE_MS = 5_000;

export const ROLES = ['owner', 'app', 'ingest', 'resolver'] as const;
type Role = (typeof ROLES)[number];

/** As whom each of Waypost's roles connects. */
const USED_BY: Record<ProcessRole, Role[]> = { api: ['app'], redirect: ['resolver'], worker: ['app', 'ingest'] };

/**
 * As whom to connect. Beside one role, as in its pod, the passwords of others are not there to try: then as that role
 * does, and as whom variables name.
 */
export function rolesToTry({ roles, namedUrls }: Settings): Role[] {
  const [only, ...more] = roles;
  if (only === undefined || more.length > 0) return [...ROLES];
  const wanted = new Set([...USED_BY[only], ...namedUrls]);
  return ROLES.filter((role) => wanted.has(role));
}

/** Connections to the primary, as far as they could be had. */
export class Sessions {
  private readonly open = new Map<Role, pg.Client>();
  /** What went wrong at connecting. */
  readonly findings: Finding[] = [];

  static async connect({ databaseUrls }: Config, roles: Role[]): Promise<Sessions> {
    const sessions = new Sessions();
    for (const role of roles) {
      try {
        sessions.open.set(role, await connected(databaseUrls[role]));
      } catch (error) {
        sessions.findings.push(unreachable(role, databaseUrls[role], error));
      }
    }
    return sessions;
  }

  get(role: Role): pg.Client | undefined {
    return this.open.get(role);
  }

  /** Of whoever got in: the catalog tells everybody the same. */
  get any(): pg.Client | undefined {
    return ROLES.map((role) => this.open.get(role)).find((client) => client !== undefined);
  }

  async end(): Promise<void> {
    await Promise.all([...this.open.values()].map((client) => client.end()));
  }
}

export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'waypost-doctor',
    connectionTimeoutMillis: DEADLINE_MS,
    query_timeout: 60_000,
  });
  // What breaks is told by the question that was asked.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** As rows are asked for here: without parameters, or with few. */
export async function rows<Row extends object>(client: pg.Client, sql: string, values: unknown[] = []): Promise<Row[]> {
  return (await client.query<Row>(sql, values)).rows;
}

function unreachable(role: Role, url: string, error: unknown): Finding {
  const reason = error instanceof Error ? error.message : String(error);
  const { host } = new URL(url);
  const variable = role === 'app' ? 'DATABASE_URL' : `DATABASE_${role.toUpperCase()}_URL`;
  if (role === 'owner') {
    return finding(
      'owner_unreachable',
      `Nobody can log in as the owner on ${host} (${reason}): migrations could not be looked at`,
      'Run the doctor where migrations run, with DATABASE_OWNER_URL',
    );
  }
  return finding(
    'database_unreachable',
    `waypost_${role} can not log in on ${host}: ${reason}`,
    `See that the server runs and that ${variable} names it, the role and its password`,
  );
}
