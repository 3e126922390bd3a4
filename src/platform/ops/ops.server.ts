import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { type FastifyInstance, fastify } from 'fastify';
import { Config } from '../config/config.js';
import { listen } from '../http/listen.js';
import { watchBuild } from '../telemetry/build-info.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { opsDuration } from '../telemetry/metrics.js';
import { MetricsPage } from './metrics-page.js';
import { type Check, Readiness } from './readiness.js';

const CHECK_DEADLINE_MS = 1_000;

/** The operators' port, the same on every role: /livez, /readyz, /metrics. */
@Injectable()
export class OpsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly server: FastifyInstance = fastify({ forceCloseConnections: true });

  constructor(
    private readonly config: Config,
    private readonly readiness: Readiness,
    private readonly metrics: MetricsPage,
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    // Touches no dependency: a restart of this process would mend none of them.
    this.server.get('/livez', () => ({ status: 'ok' }));
    this.server.get('/readyz', async (_request, reply) => {
      const { status, body } = await this.ready();
      return reply.status(status).send(body);
    });
    this.server.get('/metrics', async (request, reply) => {
      const { type, text } = await this.metrics.page(request.headers.accept);
      return reply.headers({ 'content-type': type, vary: 'accept' }).send(text);
    });
    this.server.addHook('onResponse', (request, reply, done) => {
      const { url: route = 'unmatched' } = request.routeOptions;
      opsDuration({ route, status: reply.statusCode }, reply.elapsedTime / 1000);
      done();
    });
    watchBuild(this.config.roles);
    await listen(this.server, this.config.host, this.config.ports.ops, 'OPS_PORT');
  }

  async onApplicationShutdown(): Promise<void> {
    await this.server.close();
  }

  private async ready(): Promise<{ status: number; body: object }> {
    if (this.readiness.stopping) return { status: 503, body: { status: 'stopping' } };
    if (this.readiness.starting) return { status: 503, body: { status: 'starting' } };
    const checks = [...this.readiness.checks].map(
      ([name, check]) =>
        () =>
          this.indicate(name, check),
    );
    try {
      return { status: 200, body: await this.health.check(checks) };
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'Not ready');
      return { status: 503, body: (error as { getResponse?(): object }).getResponse?.() ?? { status: 'error' } };
    }
  }

  private async indicate(name: string, check: Check): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    try {
      await Promise.race([check(), deadline()]);
      return indicator.up();
    } catch (error) {
      return indicator.down({ reason: error instanceof Error ? error.message : String(error) });
    }
  }
}

const deadline = (): Promise<never> =>
  new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${CHECK_DEADLINE_MS} ms`)), CHECK_DEADLINE_MS).unref();
  });
