import type { FastifyInstance } from 'fastify';
import { DomainError } from './domain-error.js';

/** Takes note of every route from now on. @returns refuses all other methods of the paths there are */
export function watchRoutes(server: FastifyInstance): () => void {
  const methods = new Map<string, Set<string>>();
  server.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    methods.set(url, new Set([...known, ...[method].flat()]));
  });
  return () => {
    for (const [url, known] of methods) refuseOthers(server, url, known);
  };
}

/** RFC 9110, section 15.5.6: 405 with `Allow`, before credentials or a body are looked at. */
function refuseOthers(server: FastifyInstance, url: string, known: ReadonlySet<string>): void {
  const others = server.supportedMethods.filter((method) => !known.has(method));
  // A preflight is answered before any route, on every path.
  if (others.length === 0 || url === '*') return;
  const allow = [...known].sort().join(', ');
  server.route({
    method: others,
    url,
    exposeHeadRoute: false,
    onRequest: (request, reply, done) => {
      // `/v1/links/` is not a link without an id, but nothing.
      if (Object.values(request.params as object).includes('')) return void reply.callNotFound();
      void reply.header('allow', allow);
      done(methodNotAllowed(request.method, allow));
    },
    handler: () => undefined,
  });
}

const methodNotAllowed = (method: string, allow: string): DomainError =>
  new DomainError('method_not_allowed', 'method_not_allowed', `${method} is not for this path, which has ${allow}.`);
