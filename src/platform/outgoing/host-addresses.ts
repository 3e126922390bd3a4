import { lookup, Resolver } from 'node:dns/promises';
import { OutgoingError } from './outgoing.error.js';

const LOCALHOST = /(^|\.)localhost\.?$/i;
const ABSENT = new Set(['ENOTFOUND', 'ENODATA', 'ENONAME', 'EBADNAME']);

/** Asks the machine, or the servers it is told, which addresses a name has. */
export class HostAddresses {
  private readonly resolver: Resolver | undefined;

  constructor(servers: string[] | undefined) {
    if (!servers) return;
    this.resolver = new Resolver({ timeout: 1_500, tries: 2 });
    this.resolver.setServers(servers);
  }

  /** @throws OutgoingError when it has none, or nobody answers */
  async of(hostname: string): Promise<string[]> {
    // RFC 6761: never a question for a server.
    if (LOCALHOST.test(hostname)) return ['127.0.0.1', '::1'];
    try {
      const addresses = this.resolver ? await this.ask(this.resolver, hostname) : await this.askMachine(hostname);
      if (addresses.length > 0) return addresses;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if (!ABSENT.has(code)) throw new OutgoingError('unreachable', `No name server answered for ${hostname}`, error);
    }
    throw new OutgoingError('name_not_found', `${hostname} has no address`);
  }

  private async askMachine(hostname: string): Promise<string[]> {
    const found = await lookup(hostname, { all: true });
    return found.map(({ address }) => address);
  }

  private async ask(resolver: Resolver, hostname: string): Promise<string[]> {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length === 0 && four.status === 'rejected') throw four.reason as Error;
    return found;
  }
}
