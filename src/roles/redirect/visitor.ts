import type { IncomingMessage } from 'node:http';
import type { Visitor } from '../../clicks/clicks.recorder.js';

/** Who sent a request, as clicks take note of it. */
export function visitorOf({ headers, socket }: IncomingMessage): Visitor {
  return {
    address: socket.remoteAddress,
    userAgent: headers['user-agent'],
    referrer: headers.referer,
    language: headers['accept-language'],
    country: undefined,
    optedOut: headers['sec-gpc'] === '1' || headers.dnt === '1',
  };
}
