import type { AddressInfo } from 'node:net';
import dns2 from 'dns2';

export interface DnsServer {
  /** For `DNS_SERVERS`. */
  address: string;
  /** TXT records by name, each a list of strings; `silent`: no answer at all. Other names are not there. */
  records: Map<string, string[][] | 'silent'>;
  close: () => void;
}

/** A real DNS server on the loopback that knows what the test tells it. */
export async function startDnsServer(): Promise<DnsServer> {
  const { Packet } = dns2;
  const records: DnsServer['records'] = new Map();
  const server = dns2.createUDPServer((request, send) => {
    const name = request.questions[0]?.name ?? '';
    const found = records.get(name.toLowerCase());
    if (found === 'silent') return;
    const response = Packet.createResponseFromRequest(request);
    if (!found) response.header.rcode = Packet.RCODE.NXDOMAIN;
    for (const data of found ?? []) {
      const answer = new Packet.Resource(name, Packet.TYPE.TXT, Packet.CLASS.IN, 1);
      response.answers.push(Object.assign(answer, { data }));
    }
    void send(response);
  });
  await server.listen(0, '127.0.0.1');
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, records, close: () => server.close() };
}
