import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { underTest } from './waypost.js';

/** A connection, to the API if nothing else is said, for what no HTTP client would send. */
export async function openSocket(url = underTest.apiUrl): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/**
 * Sends these bytes, each part in a packet of its own, and reads until the server closes.
 *
 * @throws when it has not closed after five seconds
 */
export async function exchange(
  bytes: string | Buffer | Array<string | Buffer>,
  url = underTest.apiUrl,
): Promise<string> {
  const socket = await openSocket(url);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server that has said all it has to say may reset the connection under what is still being sent.
  socket.on('error', () => undefined);
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(5_000) });
  // A client ends when the server does: neither waits for the other for long.
  socket.on('end', () => socket.end());
  socket.setNoDelay(true);
  for (const part of Array.isArray(bytes) ? bytes : [bytes]) {
    socket.write(part);
    await new Promise((resolve) => setTimeout(resolve, Array.isArray(bytes) ? 20 : 0));
  }
  await closed.finally(() => socket.destroy());
  return Buffer.concat(chunks).toString();
}

export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Takes a connection's bytes apart. @throws when they are anything but whole answers */
export function answersOf(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text; rest !== '';) {
    const [head] = /^HTTP\/1\.1 \d{3} [\w -]+\r\n(?:[\w-]+: [^\r\n]*\r\n)*\r\n/.exec(rest) ?? [];
    if (head === undefined) throw new Error(`No answer: ${rest}`);
    const status = Number(head.slice(9, 12));
    const headers = Object.fromEntries(
      [...head.matchAll(/^([\w-]+): ([^\r\n]*)/gm)].map(([, name = '', value = '']) => [name.toLowerCase(), value]),
    );
    // Node's own 417 is the one answer in chunks, and has none.
    const length = 'transfer-encoding' in headers ? '0\r\n\r\n'.length : Number(headers['content-length'] ?? 0);
    const end = head.length + length;
    if (rest.length < end) throw new Error(`Half an answer: ${rest}`);
    if (status >= 200) answers.push({ status, headers, body: rest.slice(head.length, end) });
    rest = rest.slice(end);
  }
  return answers;
}
