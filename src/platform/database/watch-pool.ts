import type pg from 'pg';
import { poolConnections, poolSize, poolWaiting } from '../telemetry/gauges.js';

/** How much of a pool is in use, for the metrics. */
export function watchPool(name: string, pool: pg.Pool): void {
  const of = { pool: name };
  poolSize.watch(of, () => pool.options.max);
  poolConnections.watch({ ...of, state: 'in_use' }, () => pool.totalCount - pool.idleCount);
  poolConnections.watch({ ...of, state: 'idle' }, () => pool.idleCount);
  poolWaiting.watch(of, () => pool.waitingCount);
}
