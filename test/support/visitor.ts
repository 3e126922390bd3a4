import { connect, type Socket } from 'node:net';

export interface Seen {
  status: number;
  location: string | undefined;
}

/** Where visitors connect to, and from which address of the loopback they come. */
export interface Way {
  port: number;
  localAddress?: string;
}

const END_OF_HEAD = '\r\n\r\n';
const DEADLINE_MS = 10_000;

/**
 * A client with one kept-alive connection, as strict as RFC 9112, section 9.3.1, allows: it asks again only when the
 * connection had been idle and was closed before any byte of the answer. Everything else that breaks is a failure.
 */
export class Visitor {
  private socket: Socket | undefined;
  /** Requests sent again on a new connection. */
  repeated = 0;
  /** Whether the latest answer asked to leave. */
  toldToLeave = false;

  private readonly way: Way;

  constructor(way: Way) {
    this.way = way;
  }

  /** @throws when the request failed */
  async get(host: string, path: string): Promise<Seen> {
    const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\r\n`;
    if (this.socket) {
      const seen = await this.ask(this.socket, request);
      if (seen) return seen;
      this.repeated++;
    }
    this.socket = await this.connection();
    const seen = await this.ask(this.socket, request);
    if (!seen) throw new Error('A new connection was closed without an answer');
    return seen;
  }

  leave(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private async connection(): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', ...this.way, noDelay: true });
    socket.on('close', () => {
      if (this.socket === socket) this.socket = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    // Whoever waits for an answer learns of it from `close`.
    socket.on('error', () => undefined);
    return socket;
  }

  /** @returns undefined when the connection closed before a byte of the answer */
  private ask(socket: Socket, request: string): Promise<Seen | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Seen | undefined>();
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const answer = readAnswer(text);
      if (!answer) return;
      this.toldToLeave = answer.closes;
      if (answer.closes) this.leave();
      resolve(answer.seen);
    };
    const onClose = (): void => (text === '' ? resolve(undefined) : reject(new Error(`Half an answer: ${text}`)));
    const late = setTimeout(() => reject(new Error(`No answer within ${DEADLINE_MS} ms`)), DEADLINE_MS);
    socket.on('data', onData).once('close', onClose);
    if (socket.destroyed) onClose();
    else socket.write(request);
    return promise.finally(() => {
      clearTimeout(late);
      socket.off('data', onData).off('close', onClose);
    });
  }
}

/** @returns undefined until all of it is there */
function readAnswer(text: string): { seen: Seen; closes: boolean } | undefined {
  const end = text.indexOf(END_OF_HEAD);
  if (end < 0) return undefined;
  const head = text.slice(0, end + 2);
  const length = Number(field(head, 'content-length') ?? 0);
  if (text.length < end + END_OF_HEAD.length + length) return undefined;
  return {
    seen: { status: Number(head.slice(9, 12)), location: field(head, 'location') },
    closes: field(head, 'connection')?.toLowerCase() === 'close',
  };
}

const field = (head: string, name: string): string | undefined =>
  new RegExp(`\\r\\n${name}: ([^\\r]*)\\r\\n`, 'i').exec(head)?.[1];
