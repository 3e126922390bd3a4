import type { INestApplicationContext } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/telemetry/logger.js';
import { stop } from './run.js';

/** Ctrl-C on a laptop is over within 5 s, the database included; a cluster gives 30 s by default. */
const STOP_DEADLINE_MS = { embedded: 3_000, cluster: 25_000 };

/**
 * Ends the process in an orderly way when a signal asks for it.
 *
 * @param release comes last, after the roles
 * @returns asks for it for another cause; however often it is asked, it ends once
 */
export function stopOnSignal(
  app: INestApplicationContext,
  config: Config,
  logger: Logger,
  release: () => Promise<void>,
): (cause: string) => void {
  let stoppingSince: number | undefined;
  const end = async (cause: string): Promise<void> => {
    stoppingSince = Date.now();
    logger.info({ cause }, 'Stopping');
    const inTime = await stop(app, config, config.embedded ? STOP_DEADLINE_MS.embedded : STOP_DEADLINE_MS.cluster);
    if (!inTime) logger.error('Stopped before all work was finished: the deadline has passed');
    await release();
    process.exit(inTime ? 0 : 1);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stoppingSince === undefined) void end(signal);
      // A terminal's Ctrl-C may arrive twice at once; a second one later is somebody who will not wait.
      else if (Date.now() - stoppingSince > 1_000) process.exit(1);
    });
  }
  return (cause) => {
    if (stoppingSince === undefined) void end(cause);
  };
}
