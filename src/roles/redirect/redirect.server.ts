import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Visitor } from '../../clicks/clicks.recorder.js';
import { Config } from '../../platform/config/config.js';
import { traceIdOf } from '../../platform/context/trace.js';
import { isUnavailable } from '../../platform/database/database-errors.js';
import { ClientAddress } from '../../platform/http/client-address.js';
import { listen } from '../../platform/http/listen.js';
import { Readiness } from '../../platform/ops/readiness.js';
import { LoadShedder, Overloaded } from '../../platform/resilience/load-shedder.js';
import { type Logger, LOGGER } from '../../platform/telemetry/logger.js';
import { redirectsShed } from '../../platform/telemetry/metrics.js';
import { Tracing } from '../../platform/telemetry/tracing.js';
import { redirectHeaders } from '../../redirects/plain-answer.js';
import { RedirectCache } from '../../redirects/redirect-cache.js';
import { RedirectTargetsRepository } from '../../redirects/redirect-targets.repository.js';
import { RedirectsService } from '../../redirects/redirects.service.js';
import {
  GONE,
  LIMITED,
  MALFORMED,
  METHOD,
  type Page,
  pageHeaders,
  ROBOTS,
  TAKEN_DOWN,
  UNAVAILABLE,
  UNKNOWN,
} from './redirect-pages.js';
import { createListener } from './redirect.listener.js';
import { VisitTimes } from './visit-times.js';
import { spanOf, traceIn, VisitTraces } from './visit-traces.js';

/** In ms. A visit waits for half a second at most: whoever still has a connection then has not asked for anything. */
const GOODBYE_MS = 1_500;

/**
 * The visitors' listener: short links and nothing else. It knows no /v1, no health and no metrics, so that no key can
 * collide with an API path and the API can not be reached through a customer's domain.
 */
@Injectable()
export class RedirectServer implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly server: FastifyInstance;
  private readonly times = new VisitTimes();
  private readonly traces: VisitTraces;
  private suspectedProxy = false;
  private readonly edgeCountry: string | undefined;

  constructor(
    private readonly config: Config,
    private readonly redirects: RedirectsService,
    private readonly readiness: Readiness,
    private readonly cache: RedirectCache,
    private readonly targets: RedirectTargetsRepository,
    private readonly shedder: LoadShedder,
    private readonly addresses: ClientAddress,
    @Inject(LOGGER) private readonly logger: Logger,
    tracing: Tracing,
  ) {
    this.traces = new VisitTraces(tracing);
    this.edgeCountry = config.geoCountryHeader;
    this.server = fastify({
      serverFactory: (full) => createListener(this.fastLane, full),
      clientErrorHandler: () => undefined, // The listener has its own.
      bodyLimit: 1,
      routerOptions: { maxParamLength: 16_384 },
      return503OnClosing: false,
      frameworkErrors: (_error, _request, reply) => void show(reply, MALFORMED),
    });
    this.server.addHook('onRequest', (request, reply, done) => {
      this.traces.begin(request.raw);
      // A connection that is told to close with an answer is closed by nobody under the next request.
      if (this.readiness.stopping) void reply.header('connection', 'close');
      done();
    });
    this.server.addHook('onResponse', (request, reply, done) => {
      this.times.add(reply.statusCode, reply.elapsedTime, traceIn(request.raw).traceId);
      this.traces.end(request.raw, reply.statusCode);
      done();
    });
    this.server.removeAllContentTypeParsers();
    // A body is never read; whatever its type, the method decides.
    this.server.addContentTypeParser('*', (_request, _body, done) => done(null));
    this.server.get('/robots.txt', (_request, reply) => show(reply, ROBOTS));
    this.server.get('/favicon.ico', (_request, reply) =>
      reply.header('cache-control', 'max-age=86400').status(204).send(),
    );
    this.server.get('/*', (request, reply) => this.answer(request, reply));
    this.server.setNotFoundHandler((_request, reply) => show(reply.header('allow', 'GET, HEAD'), METHOD));
    this.server.setErrorHandler((error, request, reply) => this.fail(error, request, reply));
  }

  async onApplicationBootstrap(): Promise<void> {
    this.readiness.add('redirects', async () => {
      if (!this.cache.warm) await this.targets.ping();
    });
    await this.targets.warmUp();
    await listen(this.server, this.config.host, this.config.ports.redirect, 'REDIRECT_PORT');
  }

  /** First of all on shutdown: no new visitors, those inside are served. */
  async onModuleDestroy(): Promise<void> {
    // Node itself waits for ever for a connection that has never sent a whole request.
    const goodbye = setTimeout(() => this.server.server.closeAllConnections(), GOODBYE_MS);
    await this.server.close();
    clearTimeout(goodbye);
  }

  private readonly fastLane = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (this.readiness.stopping) return false;
    this.times.begin();
    const span = this.traces.begin(request);
    const { url = '', headers } = request;
    const answer = this.redirects.visitPlain(headers.host ?? '', url, this.visitorOf(request), span?.traceparent);
    if (!answer) {
      this.traces.keep(request);
      return false;
    }
    this.redirects.whenCounted(() => {
      response.writeHead(answer.status, answer.headers).end();
      this.times.answered();
      if (span) this.traces.end(request, answer.status);
    });
    this.times.count(answer.status, span && traceIdOf(span.traceparent));
    return true;
  };

  private visitorOf(request: IncomingMessage): Visitor {
    const { headers } = request;
    return {
      address: this.addresses.of(request),
      userAgent: headers['user-agent'],
      referrer: headers.referer,
      language: headers['accept-language'],
      country: this.edgeCountry && textOf(headers[this.edgeCountry]),
      optedOut: headers['sec-gpc'] === '1' || headers.dnt === '1',
    };
  }

  private async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const [rawPath = '/', query = ''] = splitOnce(request.raw.url ?? '/', '?');
    const path = decodePath(rawPath);
    if (path === undefined) return show(reply, MALFORMED);
    const { host = '' } = request.headers;
    const counts = request.method === 'GET';
    const trace = spanOf(request.raw)?.traceparent;
    const visit = { host, path, query, counts, visitor: this.visitorOf(request.raw), trace };
    const decision = await this.shedder.run(() => this.redirects.visit(visit));
    if (decision.kind === 'unknown') return show(reply, UNKNOWN);
    if (decision.kind === 'gone') return show(reply, GONE);
    if (decision.kind === 'warned') return show(reply, TAKEN_DOWN);
    if (decision.kind === 'limited') return this.limit(request, reply, decision.retryAfter);
    const { status, location } = decision;
    const sharedMaxAge = decision.kind === 'found' ? decision.sharedMaxAge : null;
    return reply
      .status(status)
      .headers(redirectHeaders(status, location, sharedMaxAge))
      .send();
  }

  private limit(request: FastifyRequest, reply: FastifyReply, retryAfter: number): FastifyReply {
    const proxied = request.headers['x-forwarded-for'] !== undefined && this.config.trustedProxies.length === 0;
    if (proxied && !this.suspectedProxy) {
      this.suspectedProxy = true; // Said once: the header may as well be a visitor's own.
      this.logger.warn(
        'A limited visit has X-Forwarded-For. If that is from a proxy, it is missing in TRUSTED_PROXIES',
      );
    }
    return show(reply.header('retry-after', retryAfter), LIMITED);
  }

  private fail(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { statusCode = 500 } = error as { statusCode?: number };
    if (statusCode < 500) return void show(reply, MALFORMED);
    if (error instanceof Overloaded) return void shed(reply);
    if (isUnavailable(error))
      this.logger.warn({ reason: String(error), ...traceIn(request.raw) }, 'A link could not be looked up');
    else this.logger.error({ err: error, ...traceIn(request.raw) }, 'A redirect failed for a reason that is ours');
    void show(reply.header('retry-after', '2'), UNAVAILABLE);
  }
}

/** Only what is known is answered under overload: all else would queue for the database. */
function shed(reply: FastifyReply): FastifyReply {
  redirectsShed.inc();
  return show(reply.header('retry-after', '1'), UNAVAILABLE);
}

const show = (reply: FastifyReply, page: Page): FastifyReply =>
  reply.status(page.status).headers(pageHeaders(page)).send(page.body);

const textOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : undefined;

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** @returns the decoded path without its leading slash; undefined for bad percent-encoding or a null byte */
function decodePath(rawPath: string): string | undefined {
  try {
    const path = decodeURIComponent(rawPath.slice(1));
    return path.includes('\0') ? undefined : path;
  } catch {
    return undefined;
  }
}
