import type { FastifyInstance } from 'fastify';

const DAY_MS = 86_400_000;
/** For how long what is said here may be believed: RFC 9116 wants less than a year. */
const VALID_DAYS = 180;

/** The file of RFC 9116: where to report a flaw. */
export function securityTxt(contacts: string[], now: Date): string {
  const today = Math.floor(now.getTime() / DAY_MS);
  const expires = new Date((today + VALID_DAYS) * DAY_MS).toISOString().replace('.000Z', 'Z');
  return [
    ...contacts.map((contact) => `Contact: ${contact}`),
    `Expires: ${expires}`,
    'Preferred-Languages: en',
    '',
  ].join('\n');
}

export function serveSecurityTxt(server: FastifyInstance, contacts: string[]): void {
  server.get('/.well-known/security.txt', (_request, reply) =>
    reply
      .header('content-type', 'text/plain; charset=utf-8')
      .header('cache-control', 'public, max-age=86400')
      .send(securityTxt(contacts, new Date())),
  );
}
