import { Resolver } from 'node:dns/promises';
import type pg from 'pg';
import { isLocal } from '../../platform/http/hostname.js';
import { type Finding, finding, some } from './finding.js';
import { rows } from './sessions.js';

const RESOLVER = { timeout: 1_500, tries: 2 };
/** Hostnames that are looked at, and how many at a time. */
const LOOKED_AT = 200;
const AT_ONCE = 10;

const SILENT = new Set(['ETIMEOUT', 'ECONNREFUSED', 'EDESTRUCTION', 'ECANCELLED']);
const ABSENT = new Set(['ENOTFOUND', 'ENODATA']);

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** Whether the resolvers that check domains answer at all. */
export async function checkResolvers(servers: string[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const server of servers) {
    const resolver = new Resolver(RESOLVER);
    resolver.setServers([server]);
    // Any answer is one, a no above all: RFC 6761 promises that there is no such name.
    const code = await resolver.resolve4('waypost.invalid').then(() => '', codeOf);
    if (!SILENT.has(code)) continue;
    found.push(
      finding(
        'dns_silent',
        `The resolver ${server} of DNS_SERVERS does not answer (${code}): no domain can be verified`,
        'Name resolvers that this machine reaches over UDP and TCP',
      ),
    );
  }
  return found;
}

/** Whether verified hostnames lead anywhere. @param client of waypost_resolver */
export async function checkDomains(client: pg.Client, servers: string[] | undefined): Promise<Finding[]> {
  const found = await rows<{ hostname: string }>(
    client,
    `SELECT hostname FROM resolver_domains ORDER BY random() LIMIT ${LOOKED_AT}`,
  );
  const names = found.map(({ hostname }) => hostname.replace(/:\d+$/, '')).filter((hostname) => !isLocal(hostname));
  const resolver = new Resolver(RESOLVER);
  if (servers) resolver.setServers(servers);
  const lost: string[] = [];
  while (names.length > 0) {
    const looked = names.splice(0, AT_ONCE).map(async (name) => ((await isAbsent(resolver, name)) ? [name] : []));
    lost.push(...(await Promise.all(looked)).flat());
  }
  if (lost.length === 0) return [];
  return [
    finding(
      'domain_unresolved',
      `Short domains have no address in DNS: ${some(lost.toSorted())}`,
      'Have their tenants point them at the redirect listener, or delete them',
    ),
  ];
}

/** False where DNS does not answer: that is another finding. */
async function isAbsent(resolver: Resolver, name: string): Promise<boolean> {
  const answers = await Promise.all([
    resolver.resolve4(name).then(() => '', codeOf),
    resolver.resolve6(name).then(() => '', codeOf),
  ]);
  return answers.every((code) => ABSENT.has(code));
}
