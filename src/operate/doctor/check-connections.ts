import type { Config } from '../../platform/config/config.js';
import { type Finding, finding } from './finding.js';
import { ROLES, rows, type Sessions } from './sessions.js';

/** The oldest minor releases without known holes that concern Waypost. */
const FLOORS: Record<number, number> = { 15: 18, 16: 14, 17: 10, 18: 4 };
const OLDEST = 15;
/** Of max_connections, taken by now. */
const CROWDED = 0.9;

/** Whether each role gets in, as itself, and straight to the server where it has to. */
export async function checkConnections(sessions: Sessions, config: Config): Promise<Finding[]> {
  const found = [...sessions.findings];
  for (const role of ROLES) {
    const client = sessions.get(role);
    if (!client) continue;
    const [session] = await rows<{ me: string; pid: number }>(
      client,
      'SELECT session_user AS me, pg_backend_pid() AS pid',
    );
    if (!session) continue;
    if (role !== 'owner' && session.me !== `waypost_${role}`) {
      found.push(
        finding(
          'database_role_other',
          `The URL of waypost_${role} logs in as ${session.me}, for which row-level security may not hold`,
          `Name waypost_${role} in it`,
        ),
      );
    }
    // A pooler tells its clients numbers of its own making.
    const { processID } = client as unknown as { processID: number | null };
    if (role !== 'app' && processID !== session.pid) {
      found.push(
        finding(
          'pooler_in_between',
          `The URL of ${role} leads to a pooler such as PgBouncer, which LISTEN, locks of a session and prepared statements do not survive`,
          `Have DATABASE_${role.toUpperCase()}_URL lead to the server itself; only DATABASE_URL may lead to a pooler`,
        ),
      );
    }
  }
  return [...found, ...(await checkServer(sessions, config))];
}

async function checkServer(sessions: Sessions, config: Config): Promise<Finding[]> {
  const client = sessions.any;
  if (!client) return [];
  const [server] = await rows<{ version: number; text: string; used: number; most: number }>(
    client,
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS text,
            (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
            current_setting('max_connections')::int AS most`,
  );
  if (!server) return [];
  const [major, minor] = [Math.floor(server.version / 10_000), server.version % 10_000];
  const floor = FLOORS[major];
  return [
    ...(major < OLDEST
      ? [finding('server_too_old', `PostgreSQL ${server.text} is too old`, `Upgrade to ${OLDEST} or newer`)]
      : []),
    ...(floor !== undefined && minor < floor
      ? [
          finding(
            'server_outdated',
            `PostgreSQL ${server.text} has known holes`,
            `Upgrade to ${major}.${floor} or newer: a minor release needs no more than a restart`,
          ),
        ]
      : []),
    ...(server.used > server.most * CROWDED
      ? [
          finding(
            'connections_scarce',
            `${server.used} of ${server.most} connections are taken; each process may want ${config.poolSize} and more`,
            'Raise max_connections, lower DATABASE_POOL_SIZE, or put PgBouncer before DATABASE_URL',
          ),
        ]
      : []),
  ];
}
