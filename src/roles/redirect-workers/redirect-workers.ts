import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { assertPortFree } from '../../platform/http/listen.js';
import { MetricsPage } from '../../platform/ops/metrics-page.js';
import { Readiness } from '../../platform/ops/readiness.js';
import { type Logger, LOGGER } from '../../platform/telemetry/logger.js';
import { redirectWorkerRestarts } from '../../platform/telemetry/metrics.js';
import { type Metrics, sumOfCounts } from '../../platform/telemetry/metrics-of-processes.js';
import { type End, RedirectWorker } from './redirect-worker.js';
import { restartPause } from './restart-pause.js';

/** A worker that ends sooner than this after its start ended soon, in ms. */
const SHORT_LIFE_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
/** So many looks at a worker that says something every second. Looks are counted, not time: a laptop may sleep. */
const SILENT_LOOKS = 20;

interface Place {
  number: number;
  worker: RedirectWorker;
  shortLives: number;
  silentLooks: number;
}

/**
 * Plays the redirect role with several processes on one port. This one starts them, replaces those that end, and
 * speaks for all on the operations port; of visitors it sees nothing.
 */
@Injectable()
class RedirectWorkers implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly places: Place[] = [];
  /** What those counted that are no more: a sum that fell would look like a restart of all. */
  private departed: Metrics = [];
  private closing = false;
  private looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    readiness: Readiness,
    metrics: MetricsPage,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    for (let number = 1; number <= config.redirectWorkers; number++) {
      readiness.add(`redirect worker ${number}`, () => this.checkReady(number));
    }
    metrics.speakFor(() => this.metrics());
    // They tell their visitors to leave while this process waits to be taken note of, and not for as long once more.
    readiness.whenStopping(() => this.stop());
  }

  /** @throws when one of them ends before it runs: what hinders it then will not go away by itself */
  async onApplicationBootstrap(): Promise<void> {
    const { host, ports, redirectWorkers } = this.config;
    await assertPortFree(host, ports.redirect, 'REDIRECT_PORT');
    // The workers accept from one socket that they share. The other way, handing each connection on from here, cost
    // this process 55 µs a connection. It would make visitors wait while this process is busy with another role, and
    // leave those hanging whose connection is on its way to a worker that is killed. Its gain is an even share. Here, of
    // 64 connections opened one after the other, two workers took 30 to 34 each and four 9 to 24; of 64 at once, two took
    // 13 to 51 and four 0 to 34.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ serialization: 'advanced' });
    // However this process ends, short of being killed, none is left behind.
    process.once('exit', () => this.places.forEach(({ worker }) => worker.kill()));
    for (let number = 1; number <= redirectWorkers; number++) {
      this.places.push({ number, worker: this.fork(number), shortLives: 0, silentLooks: 0 });
    }
    try {
      await Promise.all(this.places.map((place) => firstStart(place)));
    } catch (error) {
      this.places.forEach(({ worker }) => worker.kill());
      throw error;
    }
    for (const place of this.places) void this.keep(place);
    this.looking = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** First of all on shutdown, like the redirect listener of a single process. */
  async onModuleDestroy(): Promise<void> {
    this.stop();
    await Promise.all(this.places.map(({ worker }) => worker.ended));
  }

  private stop(): void {
    if (this.closing) return;
    this.closing = true;
    clearInterval(this.looking);
    for (const { worker } of this.places) worker.stop();
  }

  private fork(number: number): RedirectWorker {
    const config = Config.ofRedirectWorker(this.config, number - 1);
    return new RedirectWorker({ config, logLevel: this.logger.level });
  }

  private async keep(place: Place): Promise<void> {
    while (!this.closing) {
      const since = performance.now();
      const end = await place.worker.ended;
      this.departed = sumOfCounts([this.departed, place.worker.bury()]);
      if (this.closing) return;
      place.shortLives = performance.now() - since < SHORT_LIFE_MS ? place.shortLives + 1 : 0;
      await this.replace(place, end);
    }
  }

  private async replace(place: Place, end: End): Promise<void> {
    const { number: worker, shortLives } = place;
    const pause = restartPause(shortLives);
    const level = end.code === 0 ? 'info' : 'error';
    this.logger[level](
      { worker, pid: place.worker.pid, ...end, pause },
      'A redirect worker ended; another takes its place',
    );
    await sleep(pause);
    if (this.closing) return;
    try {
      place.worker = this.fork(worker);
      place.silentLooks = 0;
      redirectWorkerRestarts.inc();
    } catch (error) {
      // The machine has no room for one more process just now. The one that ended ends once more, after a longer pause.
      this.logger.error({ err: error, worker }, 'A redirect worker could not be started');
    }
  }

  /** One whose event loop hangs keeps the connections it has and answers none. */
  private look(): void {
    for (const place of this.places) {
      const { worker, number } = place;
      place.silentLooks = worker.heard || !worker.running ? 0 : place.silentLooks + 1;
      worker.heard = false;
      if (place.silentLooks !== SILENT_LOOKS) continue;
      this.logger.error({ worker: number, pid: worker.pid }, 'A redirect worker does not answer; it is killed');
      worker.kill();
    }
  }

  private async checkReady(number: number): Promise<void> {
    const worker = this.places[number - 1]?.worker;
    if (!worker?.running) throw new Error('it is not running');
    const fault = await worker.ask('fault');
    if (fault !== undefined) throw new Error(fault);
  }

  /** Of one that does not answer, what it said last: its counts must not be missing from the sum. */
  private async metrics(): Promise<Metrics[]> {
    const asked = this.places.map(async ({ worker }) => ({
      worker,
      metrics: await worker.ask('metrics').catch(() => undefined),
    }));
    const live = await Promise.all(asked);
    // From here on nothing is awaited: one that ends is either among the departed or among the living.
    return [this.departed, ...live.map(({ worker, metrics }) => (worker.gone ? [] : (metrics ?? worker.counts)))];
  }
}

async function firstStart({ worker, number }: Place): Promise<void> {
  const ended = worker.ended.then(({ code, signal, reason }) => {
    throw new Error(`Redirect worker ${number} did not start: ${reason ?? `it ended with ${code ?? signal}`}`);
  });
  await Promise.race([worker.started, ended]);
}

/** In the place of the redirect role's own module, where several processes play that role. */
@Module({ providers: [RedirectWorkers] })
export class RedirectWorkersModule {}
