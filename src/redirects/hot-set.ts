import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { RedirectCache, type Remembered } from './redirect-cache.js';

const SAVE_EVERY_MS = 30_000;
/** Most recently used first; some 5 MB. */
const MOST_LINKS = 10_000;

/**
 * What visitors ask for most, kept in DATA_DIR: a process that starts while the database is away knows it all the same.
 * Nothing of it counts as fresh, so a database that answers is asked before.
 */
@Injectable()
export class HotSet implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly path: string;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly cache: RedirectCache,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.path = join(config.dataDir, 'hot-set.json');
  }

  async onApplicationBootstrap(): Promise<void> {
    try {
      this.cache.restore(JSON.parse(await readFile(this.path, 'utf8')) as Remembered);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.logger.warn({ reason: String(error) }, 'The links of the last run could not be read; starting without');
      }
    }
    this.timer = setInterval(() => void this.save(), SAVE_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.save();
  }

  /** Whole or not at all. A folder that can not be written to costs this comfort and nothing else. */
  private async save(): Promise<void> {
    const draft = `${this.path}.${process.pid}`;
    try {
      await mkdir(this.config.dataDir, { recursive: true, mode: 0o700 });
      await writeFile(draft, JSON.stringify(this.cache.remembered(MOST_LINKS)), { mode: 0o600 });
      await rename(draft, this.path);
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'The links in use could not be kept for the next start');
    }
  }
}
