import { type Finding, finding } from './finding.js';
import { connected, rows } from './sessions.js';

/** Analytics behind by this much are noticed. */
const MOST_SECONDS = 30;

export async function checkReplica(url: string): Promise<Finding[]> {
  const { host } = new URL(url);
  try {
    const client = await connected(url);
    try {
      const [state] = await rows<{ standby: boolean; lag: number | null }>(
        client,
        `SELECT pg_is_in_recovery() AS standby,
                CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                     ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 END AS lag`,
      );
      return stateOf(host, state?.standby === true, state?.lag ?? 0);
    } finally {
      await client.end();
    }
  } catch (error) {
    return [
      finding(
        'replica_unreachable',
        `The replica on ${host} does not answer: ${error instanceof Error ? error.message : String(error)}`,
        'See that it runs and that DATABASE_REPLICA_URL names it; without it, analytics answer 503',
      ),
    ];
  }
}

function stateOf(host: string, standby: boolean, lag: number): Finding[] {
  if (!standby) {
    return [
      finding(
        'replica_not_standby',
        `${host} of DATABASE_REPLICA_URL is no standby`,
        'Have it lead to a standby of the primary, or leave it out: that spares nobody anything',
      ),
    ];
  }
  if (lag <= MOST_SECONDS) return [];
  return [
    finding(
      'replica_lags',
      `The replica on ${host} is ${Math.round(lag)} s behind`,
      'See what it waits for: network, disk, long queries',
    ),
  ];
}
