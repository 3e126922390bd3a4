import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { request } from './waypost.js';

const PROBE_EVERY_MS = 100;

interface Backend {
  port: number;
  /** Its operators' port: new connections go only to those whose /readyz says 200. */
  ops: string;
  ready: boolean;
}

/** Passes connections on in turn, as a Service of Kubernetes does: it knows TCP and readiness, and nothing of HTTP. */
export class Balancer {
  private readonly backends: Backend[];
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private readonly timer: NodeJS.Timeout;
  private turn = 0;

  constructor(backends: Array<Omit<Backend, 'ready'>>) {
    this.backends = backends.map((backend) => ({ ...backend, ready: true }));
    this.server = createServer({ noDelay: true }, (client) => void this.pass(client));
    this.timer = setInterval(() => this.backends.forEach((backend) => void probe(backend)), PROBE_EVERY_MS);
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private async pass(client: Socket): Promise<void> {
    client.pause();
    client.on('error', () => client.destroy());
    const backend = await this.connected();
    if (!backend) return void client.destroy();
    this.join(client, backend);
    this.join(backend, client);
    client.resume();
  }

  /** @returns a connection to the next that is ready and accepts one; undefined when none does */
  private async connected(): Promise<Socket | undefined> {
    for (const _ of this.backends) {
      const backend = this.backends[this.turn++ % this.backends.length];
      if (!backend?.ready) continue;
      const socket = connect({ port: backend.port, host: '127.0.0.1', noDelay: true });
      const accepted = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      if (accepted) return socket;
    }
    return undefined;
  }

  private join(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.on('data', (chunk) => to.writable && to.write(chunk));
    from.on('end', () => to.end());
    from.on('error', () => from.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroySoon();
    });
  }
}

async function probe(backend: Backend): Promise<void> {
  backend.ready = await request('GET', `${backend.ops}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  );
}
