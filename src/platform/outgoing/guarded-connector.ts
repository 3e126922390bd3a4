import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { buildConnector } from 'undici';
import { judgeAddress, type Network } from './address-rules.js';
import { OutgoingError } from './outgoing.error.js';

/** @returns the addresses a name has now, one at least */
type Resolve = (hostname: string) => Promise<string[]>;

interface Rules {
  opened: readonly Network[];
  /** At public addresses. At opened ones all ports are. */
  ports: ReadonlySet<number>;
  resolve: Resolve;
  /** In ms. */
  timeout: number;
}

/**
 * Connects to nothing that the rules refuse. The look-up that is checked is the one whose addresses the socket then
 * takes, so a name can not lead elsewhere in between; and each new connection, after a redirect too, comes this way.
 */
export function guardedConnector(rules: Rules): buildConnector.connector {
  return (options, callback) => {
    const port = portOf(options);
    const check = (address: string): void => checkAddress(rules, address, options.hostname, port);
    try {
      // Nothing is looked up for an address.
      if (isIP(options.hostname)) check(options.hostname);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    const connect = buildConnector({
      timeout: rules.timeout,
      // One kind of connection is enough for requests as few as these.
      allowH2: false,
      // The look-up is asked for all addresses, and gives no other answer.
      autoSelectFamily: true,
      lookup: guardedLookup(rules.resolve, check),
    } as buildConnector.BuildOptions);
    connect(options, callback);
  };
}

const portOf = ({ port, protocol }: buildConnector.Options): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);

function checkAddress({ opened, ports }: Rules, address: string, host: string, port: number): void {
  const verdict = judgeAddress(address, opened);
  if (verdict === 'refused') throw new OutgoingError('address_refused', `${host} is at ${address}`);
  if (verdict === 'public' && !ports.has(port)) throw new OutgoingError('port_refused', `${host} on port ${port}`);
}

function guardedLookup(resolve: Resolve, check: (address: string) => void): LookupFunction {
  return callbackify(async (hostname: string, _options: unknown) => {
    const addresses = await resolve(hostname);
    // All of them: a name with an address outside and one inside is a trap, or a mistake.
    for (const address of addresses) check(address);
    return addresses.map((address) => ({ address, family: isIP(address) }));
  }) as never;
}
