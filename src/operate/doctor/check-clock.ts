import type pg from 'pg';
import { type Finding, finding } from './finding.js';
import { rows } from './sessions.js';

/** Credentials and idempotency hold for minutes, and a click an hour ahead is dropped: this is far before either. */
const MOST_MS = 2_000;

/** @param theirs what the other one's clock said, ms since 1970, between `asked` and `answered` of ours */
export function clockFinding(who: string, theirs: number, asked: number, answered: number): Finding[] {
  // Their clock was read at some moment in between: within that time nobody is wrong.
  const apart = theirs < asked ? asked - theirs : Math.max(0, theirs - answered);
  if (apart <= MOST_MS) return [];
  const way = theirs < asked ? 'behind' : 'ahead of';
  return [
    finding(
      'clock_skewed',
      `The clock of ${who} is ${(apart / 1000).toFixed(1)} s ${way} this machine’s`,
      'Have all machines follow NTP (chrony, systemd-timesyncd)',
    ),
  ];
}

export async function checkClock(client: pg.Client): Promise<Finding[]> {
  const asked = Date.now();
  const [row] = await rows<{ time: number }>(
    client,
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS time',
  );
  return row ? clockFinding('the database', row.time, asked, Date.now()) : [];
}
