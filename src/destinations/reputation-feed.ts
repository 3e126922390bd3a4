import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { ReputationList } from './reputation-list.js';

const LOOK_EVERY_MS = 10_000;

/**
 * The operator's file of harmful hosts and URLs, read anew when it changes. One that can not be read is logged, and the
 * last good one stays in use: a list that is away must not stop everybody's work.
 */
@Injectable()
export class ReputationFeed implements OnApplicationBootstrap, OnModuleDestroy {
  private list = new ReputationList();
  private version = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.reputationFeed) return;
    await this.reload(this.config.reputationFeed);
    this.watch(this.config.reputationFeed);
  }

  onModuleDestroy(): void {
    clearTimeout(this.timer);
  }

  lists(url: URL): boolean {
    return this.list.lists(url);
  }

  /** One look after the other: a large file may take longer to read than the time between two looks. */
  private watch(file: string): void {
    this.timer = setTimeout(() => {
      void this.reload(file).then(() => this.watch(file));
    }, LOOK_EVERY_MS).unref();
  }

  private async reload(file: string): Promise<void> {
    try {
      const { ino, size, mtimeMs } = await stat(file);
      const version = `${ino} ${size} ${mtimeMs}`;
      if (version === this.version) return;
      const list = new ReputationList();
      for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) list.add(line);
      this.list = list;
      this.version = version;
      this.logger.info({ file, entries: list.size }, 'Read the list of harmful destinations');
    } catch (error) {
      this.logger.error({ file, reason: String(error), kept: this.list.size }, 'REPUTATION_FEED can not be read');
    }
  }
}
