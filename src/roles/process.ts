import type { INestApplicationContext } from '@nestjs/common';
import { type Config, ConfigError } from '../platform/config/config.js';
import { settingsFromEnvironment } from '../platform/config/environment.js';
import { createLogger, type Logger } from '../platform/telemetry/logger.js';
import { keepDemoTenant } from './embedded/demo-tenant.js';
import { externalConfig, startEmbeddedDefault } from './embedded/embedded-default.js';
import { firstSteps } from './embedded/first-steps.js';
import { leave } from './leave.js';
import { run } from './run.js';
import { stopOnSignal } from './stopping.js';

interface Running {
  app: INestApplicationContext;
  config: Config;
  /** Ends what lies beneath the roles. */
  release: () => Promise<void>;
}

/** The life of the process: from the environment to open ports, and back down on a signal. */
export async function main(): Promise<void> {
  let logger: Logger | undefined;
  try {
    const settings = settingsFromEnvironment('run');
    logger = createLogger(settings.logLevel, process.stdout.isTTY);
    const { app, config, release } = await start(settings, logger);
    stopOnSignal(app, config, logger, release);
  } catch (error) {
    report(error, logger);
    await leave(1);
  }
}

/** What the operator can mend is said plainly; anything else with all that is known of it. */
function report(error: unknown, logger: Logger | undefined): void {
  if (error instanceof ConfigError || !logger) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  } else {
    logger.error({ err: error }, 'Waypost could not start');
  }
}

async function start(settings: ReturnType<typeof settingsFromEnvironment>, logger: Logger): Promise<Running> {
  if (settings.databaseUrls) {
    const config = externalConfig(settings);
    const app = await run(config, logger);
    logger.info({ roles: [...config.roles], ports: config.ports }, 'Waypost is running');
    return { app, config, release: async () => undefined };
  }
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const { config, postgres } = await startEmbeddedDefault(settings, say);
  try {
    const app = await run(config, logger);
    say(firstSteps(await keepDemoTenant(app, config), config.dataDir));
    return { app, config, release: () => postgres.stop() };
  } catch (error) {
    report(error, logger);
    // Half a process is left, whose connections break now: that is no further news.
    process.on('uncaughtException', () => undefined);
    await postgres.stop();
    return leave(1);
  }
}
