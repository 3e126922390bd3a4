import { type Config, ConfigError, type Settings } from '../../platform/config/config.js';
import { settingsFromEnvironment } from '../../platform/config/environment.js';
import { operatorConfig } from '../../roles/embedded/operator-config.js';
import { DONE, FOUND } from '../exit-codes.js';
import { say, sayJson } from '../output.js';
import { checkClock } from './check-clock.js';
import { checkConnections } from './check-connections.js';
import { checkDomains, checkResolvers } from './check-dns.js';
import { checkIsolation } from './check-isolation.js';
import { checkMachine, checkSpool } from './check-machine.js';
import { checkRedis } from './check-redis.js';
import { checkReplica } from './check-replica.js';
import {
  checkCitus,
  checkHashPartitions,
  checkMigrations,
  checkOutbox,
  checkPartitions,
  checkQueue,
} from './check-schema.js';
import { checkSecrets } from './check-secrets.js';
import { type Finding, finding } from './finding.js';
import { rolesToTry, Sessions } from './sessions.js';

/** Looks at the whole set-up and says what to mend; changes nothing. @returns 3 when something was found */
export async function doctorCommand({ json }: { json?: true }): Promise<number> {
  const { findings, checks } = await examine();
  if (json) sayJson({ findings, checks });
  else if (findings.length === 0) say(`Nothing to mend: ${checks.length} checks`);
  else for (const one of findings) say(shown(one));
  return findings.length > 0 ? FOUND : DONE;
}

const shown = ({ id, severity, what, mend, docs }: Finding): string =>
  `${severity.padEnd(8)} ${id}\n  ${what}\n  To do: ${mend}\n  ${docs}`;

interface Examination {
  findings: Finding[];
  /** Those that were made: what needs a connection that could not be had is left out. */
  checks: string[];
}

async function examine(): Promise<Examination> {
  const read = await readConfig();
  if ('id' in read) return { findings: [read], checks: ['config'] };
  const { config, settings } = read;
  const sessions = await Sessions.connect(config, rolesToTry(settings));
  try {
    const findings: Finding[] = [];
    const checks = ['config'];
    for (const [name, check] of Object.entries(checksOf(config, settings, sessions))) {
      if (!check) continue;
      checks.push(name);
      findings.push(...(await made(name, check)));
    }
    const order = ['error', 'warning'];
    return { findings: findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity)), checks };
  } finally {
    await sessions.end();
  }
}

async function readConfig(): Promise<{ config: Config; settings: Settings } | Finding> {
  try {
    const settings = settingsFromEnvironment('run');
    return { config: await operatorConfig(settings), settings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return finding('config_invalid', error.message, 'Set the variables as docs/configuration.md says');
  }
}

type Check = () => Promise<Finding[]>;

/** @param settings of the process that the doctor runs beside, whose role `config` does not tell */
function checksOf(config: Config, settings: Settings, sessions: Sessions): Record<string, Check | undefined> {
  const { redisUrl, dnsServers, clickRetentionDays } = config;
  const { any } = sessions;
  return {
    connections: () => checkConnections(sessions, config),
    isolation: where(any, checkIsolation),
    migrations: where(sessions.get('owner'), checkMigrations),
    partitions: where(any, (client) => checkPartitions(client, clickRetentionDays)),
    hashPartitions: where(any, (client) => checkHashPartitions(client, settings.hashPartitions)),
    citus: where(sessions.get('app') ?? any, checkCitus),
    queue: where(redisUrl === undefined ? any : undefined, checkQueue),
    outbox: where(sessions.get('ingest'), checkOutbox),
    secrets: where(sessions.get('ingest'), (client) => checkSecrets(client, config)),
    clock: where(any, checkClock),
    redis: where(redisUrl, checkRedis),
    replica: where(config.databaseUrls.replica, ({ app }) => checkReplica(app)),
    resolvers: where(dnsServers, checkResolvers),
    domains: where(sessions.get('resolver'), (client) => checkDomains(client, dnsServers)),
    spool: where(settings.roles.has('redirect') ? config : undefined, checkSpool),
    machine: () => checkMachine(config),
  };
}

/** A check of something that need not be there. */
const where = <T>(thing: T | undefined, check: (thing: T) => Promise<Finding[]>): Check | undefined =>
  thing === undefined ? undefined : () => check(thing);

/** A check that breaks says so, and the others go on: a set-up may be broken in ways that nobody thought of. */
async function made(name: string, check: Check): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [
      finding(
        'check_failed',
        `The check ${name} could not be made: ${error instanceof Error ? error.message : String(error)}`,
        'Mend what else was found, and run the doctor again',
      ),
    ];
  }
}
