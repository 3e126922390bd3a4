import type { FastifyInstance } from 'fastify';

/** Whether a list of entity tags, as If-Match and If-None-Match have it, has this one; weakly compared (RFC 9110, 8.8.3.2). */
export const namesTag = (header: string, tag: string): boolean =>
  header.trim() === '*' || header.split(',').some((one) => opaque(one) === opaque(tag));

const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');

/** RFC 9110, section 13.1.2: whoever has what would be answered gets 304 and no body. */
export function spareWhatIsKnown(server: FastifyInstance): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    const [tag, known] = [reply.getHeader('etag'), request.headers['if-none-match']];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (
      !isRead ||
      reply.statusCode !== 200 ||
      typeof tag !== 'string' ||
      known === undefined ||
      !namesTag(known, tag)
    ) {
      done(null, payload);
      return;
    }
    void reply.status(304).removeHeader('content-length');
    done(null, null);
  });
}
