import type { INestApplicationContext } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/telemetry/logger.js';
import { leave } from './leave.js';
import { stop } from './run.js';
import { STOP_DEADLINE_MS } from './stop-deadline.js';

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
    await leave(inTime ? 0 : 1);
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
