import { Agent, request } from 'node:http';
import { type ProblemBody, underTest } from './waypost.js';

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

interface Sent {
  body?: object;
  headers?: Record<string, string>;
}

interface Seen {
  status: number;
  text: string;
  authenticate: string | undefined;
}

/** The path is sent as it is: a URL would be tidied up. */
export function send(
  method: string,
  path: string,
  authorization?: string,
  { body, headers }: Sent = {},
): Promise<Seen> {
  const { hostname, port } = new URL(underTest.apiUrl);
  const payload = body === undefined || method === 'HEAD' ? undefined : JSON.stringify(body);
  const all = {
    ...headers,
    ...(authorization !== undefined && { authorization }),
    ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': String(payload.length) }),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, method, path, headers: all }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text, authenticate: response.headers['www-authenticate'] }),
      );
    });
    sent.on('error', reject).end(payload);
  });
}

/** Status, and the code of a problem. */
export function told({ status, text }: Seen): string {
  if (status < 400) return String(status);
  return `${status} ${(JSON.parse(text) as ProblemBody).code}`;
}
