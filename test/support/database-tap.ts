import { once } from 'node:events';
import net from 'node:net';

/** Between a process and its database: counts the statements that pass, as they are on the wire, and can hold all back. */
export class DatabaseTap {
  private readonly counts = new Map<string, number>();
  private readonly sockets = new Set<net.Socket>();
  private held: Array<() => void> | undefined;
  private readonly server: net.Server;

  private constructor(target: number) {
    this.server = net.createServer((client) => {
      const database = net.connect(target, '127.0.0.1');
      const read = messageReader((type, body) => type === 'B' && this.count(statementOf(body)));
      client.on('data', (chunk: Buffer) => {
        read(chunk);
        const pass = (): void => void (database.writable && database.write(chunk));
        if (this.held) this.held.push(pass);
        else pass();
      });
      database.pipe(client);
      for (const [one, other] of [
        [client, database],
        [database, client],
      ] as const) {
        this.sockets.add(one);
        one.on('error', () => one.destroy());
        one.on('close', () => {
          this.sockets.delete(one);
          other.destroy();
        });
      }
    });
  }

  /** @param url of the database; all else in it stays as it is */
  static async open(url: string): Promise<DatabaseTap> {
    const tap = new DatabaseTap(Number(new URL(url).port));
    tap.server.listen(0, '127.0.0.1');
    await once(tap.server, 'listening');
    return tap;
  }

  /** The same database, through this. */
  through(url: string): string {
    const tapped = new URL(url);
    tapped.port = String((this.server.address() as net.AddressInfo).port);
    return tapped.href;
  }

  /** How often the prepared statement of this name was executed. */
  executed(statement: string): number {
    return this.counts.get(statement) ?? 0;
  }

  hold(): void {
    this.held = [];
  }

  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const pass of held) pass();
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private count(statement: string): void {
    this.counts.set(statement, this.executed(statement) + 1);
  }
}

/** Bind: the portal's name, the statement's, each ended by a null byte. */
const statementOf = (bind: Buffer): string => bind.toString('latin1').split('\0', 2)[1] ?? '';

/** Cuts the frontend's bytes into messages: a type but for the first, then a length that counts itself. */
function messageReader(onMessage: (type: string, body: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let head = 0;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= head + 4) {
      const end = head + rest.readInt32BE(head);
      if (rest.length < end) return;
      onMessage(head === 0 ? '' : String.fromCharCode(rest[0] ?? 0), rest.subarray(head + 4, end));
      rest = rest.subarray(end);
      head = 1;
    }
  };
}
