import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { underTest } from './waypost.js';

/** A connection to the API, for what no HTTP client would send. */
export async function openSocket(): Promise<Socket> {
  const { hostname, port } = new URL(underTest.apiUrl);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

/** Sends these bytes and reads until the server closes. */
export async function exchange(bytes: string | Buffer): Promise<string> {
  const socket = await openSocket();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server that has said all it has to say may reset the connection under what is still being sent.
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(bytes);
  await closed;
  return Buffer.concat(chunks).toString();
}
