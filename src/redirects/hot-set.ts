import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { mergeRemembered } from './merge-remembered.js';
import { asStored } from './plain-answer.js';
import { RedirectCache, type Remembered } from './redirect-cache.js';

const SAVE_EVERY_MS = 30_000;
/** Most recently used first. */
const MOST_LINKS = 10_000;
/** In characters, of links as of domains: a process that starts reads all of it in one go. */
const MOST_TEXT = 8_000_000;
/** Made into text together. All at once, with the collection of the garbage, would keep visitors waiting for a tenth of a second. */
const AT_ONCE = 50;
const FILE = /^hot-set(?:-(\d+))?\.json$/;

/**
 * What visitors ask for most, kept in DATA_DIR: a process that starts while the database is away knows it all the same.
 * Nothing of it counts as fresh, so a database that answers is asked before.
 *
 * Each of several workers writes a file of its own, so that no two write one, and reads those of all: which worker a
 * visitor came to is chance, and the next run may have another number of them.
 */
@Injectable()
export class HotSet implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly path: string;
  private timer: NodeJS.Timeout | undefined;
  /** The latest of them: each begins when the one before has ended, also the one on shutdown. Two would share a draft. */
  private saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: Config,
    private readonly cache: RedirectCache,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const { dataDir, redirectWorker = 0 } = config;
    this.path = join(dataDir, redirectWorker === 0 ? 'hot-set.json' : `hot-set-${redirectWorker + 1}.json`);
  }

  async onApplicationBootstrap(): Promise<void> {
    try {
      const sets = await Promise.all((await this.files()).map(({ path }) => this.read(path)));
      this.cache.restore(mergeRemembered(sets.filter((set) => set !== undefined)));
    } catch (error) {
      this.unreadable(error);
    }
    this.timer = setInterval(() => void this.save(), SAVE_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.save();
  }

  private async read(path: string): Promise<Remembered | undefined> {
    try {
      return JSON.parse(await readFile(path, 'utf8')) as Remembered;
    } catch (error) {
      // The first worker clears away what is none of the present ones'.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.unreadable(error);
      return undefined;
    }
  }

  private unreadable(error: unknown): void {
    this.logger.warn({ reason: String(error) }, 'Links of the last run could not be read; starting without');
  }

  private save(): Promise<void> {
    this.saving = this.saving.then(() => this.write());
    return this.saving;
  }

  /** Whole or not at all. A folder that can not be written to costs this comfort and nothing else. */
  private async write(): Promise<void> {
    const draft = `${this.path}.${process.pid}`;
    try {
      await mkdir(this.config.dataDir, { recursive: true, mode: 0o700 });
      await writeFile(draft, partsOf(this.cache.remembered(MOST_LINKS, MOST_TEXT)), { mode: 0o600 });
      await rename(draft, this.path);
      await this.clearAway();
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'The links in use could not be kept for the next start');
    }
  }

  /** Files of a run with more workers: what was in them has been read, and is in the first worker's own by now. */
  private async clearAway(): Promise<void> {
    const { redirectWorker = 0, redirectWorkers } = this.config;
    if (redirectWorker > 0) return;
    for (const { path, index } of await this.files()) if (index >= redirectWorkers) await rm(path, { force: true });
  }

  private async files(): Promise<Array<{ path: string; index: number }>> {
    const names = await readdir(this.config.dataDir).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return [];
    });
    return names.flatMap((name) => {
      const match = FILE.exec(name);
      return match ? [{ path: join(this.config.dataDir, name), index: Number(match[1] ?? 1) - 1 }] : [];
    });
  }
}

/** The JSON of it, in parts: each is asked for when the one before is written, and visitors are answered between. */
export function* partsOf({ version, ...targets }: Remembered): Generator<string> {
  yield `{"version":${version}`;
  for (const [kind, all] of Object.entries(targets)) {
    yield `,"${kind}":[`;
    for (let at = 0; at < all.length; at += AT_ONCE) {
      const text = JSON.stringify(all.slice(at, at + AT_ONCE), asStored);
      yield (at > 0 ? ',' : '') + text.slice(1, -1);
    }
    yield ']';
  }
  yield '}';
}
