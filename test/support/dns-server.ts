import type { AddressInfo } from 'node:net';
import { isIPv6 } from 'node:net';
import dns2 from 'dns2';

export interface DnsServer {
  /** For `DNS_SERVERS`. */
  address: string;
  /** TXT records by name, each a list of strings; `silent`: no answer at all. Other names are not there. */
  records: Map<string, string[][] | 'silent'>;
  /** Addresses by name: what a question is answered with, anew each time. */
  hosts: Map<string, () => string[]>;
  close: () => void;
}

/** A real DNS server on the loopback that knows what the test tells it. */
export async function startDnsServer(): Promise<DnsServer> {
  const { Packet } = dns2;
  const records: DnsServer['records'] = new Map();
  const hosts: DnsServer['hosts'] = new Map();
  const server = dns2.createUDPServer((request, send) => {
    const { name = '', type } = request.questions[0] ?? {};
    const found = records.get(name.toLowerCase());
    const host = hosts.get(name.toLowerCase());
    if (found === 'silent') return;
    const response = Packet.createResponseFromRequest(request);
    if (!found && !host) response.header.rcode = Packet.RCODE.NXDOMAIN;
    for (const data of found ?? []) {
      const answer = new Packet.Resource(name, Packet.TYPE.TXT, Packet.CLASS.IN, 1);
      response.answers.push(Object.assign(answer, { data }));
    }
    const kind = { [Packet.TYPE.A]: false, [Packet.TYPE.AAAA]: true }[Number(type)];
    for (const address of kind === undefined ? [] : (host?.() ?? []).filter((address) => isIPv6(address) === kind)) {
      const answer = new Packet.Resource(name, Number(type), Packet.CLASS.IN, 0);
      response.answers.push(Object.assign(answer, { address }));
    }
    void send(response);
  });
  await server.listen(0, '127.0.0.1');
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, records, hosts, close: () => server.close() };
}
