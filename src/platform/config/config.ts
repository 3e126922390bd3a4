import { isIP } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';
import { z } from 'zod';
import { parseNetwork } from '../outgoing/address-rules.js';
import { parseRedisUrl, RedisUrlError } from '../redis/redis-url.js';
import { parseIssuer } from '../tokens/issuer.js';
import { tracingEnvironment, type TracingSettings, tracingSettings } from './tracing-settings.js';

const ROLES = ['api', 'redirect', 'worker'] as const;
export type Role = (typeof ROLES)[number];

const port = z.coerce.number().int().min(1).max(65535);
const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\/[^@/]+@/, 'must look like postgres://role:password@host/database');
/** Its role and password are those of the primary's URLs, whatever it says. */
const replicaUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\/([^@/]+@)?[^@/]+(\/|$)/, 'must look like postgres://host/database');
const redisUrl = z.string().superRefine((value, context) => {
  try {
    parseRedisUrl(value);
  } catch (error) {
    if (!(error instanceof RedisUrlError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});
const secretKey = z
  .string()
  .refine(
    (value) => Buffer.from(value, 'base64').length === 32,
    'must be 32 bytes in base64 (openssl rand -base64 32)',
  );

const secretKeys = z
  .string()
  .transform((value) => value.split(',').map((key) => key.trim()))
  .pipe(z.array(secretKey).max(8));

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
const proxies = list.refine(
  (items) => items.every(isProxy),
  'must be addresses, networks (10.0.0.0/8), or loopback, linklocal, uniquelocal',
);

const networks = list.refine(
  (items) => items.every((item) => parseNetwork(item) !== undefined),
  'must be networks in CIDR form, as 10.1.0.0/16 or ::1/128',
);

function isProxy(item: string): boolean {
  // The library would take any number for an address.
  if (!/^(loopback|linklocal|uniquelocal)$/.test(item) && !isIP(item.replace(/\/.*$/, ''))) return false;
  try {
    proxyAddr.compile(item);
    return true;
  } catch {
    return false;
  }
}

/** `group=tenants:read ops:read, other=*`: what operators may do, by the values of a claim. */
const operatorRoles = list
  .refine((items) => items.every((item) => /^[^=]+=(\*|[a-z-]+:[a-z]+( +[a-z-]+:[a-z]+)*)$/.test(item)), {
    message: 'must look like value=tenants:read ops:read, other-value=*',
  })
  .transform((items) =>
    Object.fromEntries(
      items.map((item) => item.split('=') as [string, string]).map(([k, v]) => [k.trim(), v.split(/ +/)]),
    ),
  );
const origins = list.refine(
  (items) => items.every((item) => /^https?:\/\//.test(item) && URL.parse(item)?.origin === item),
  'must be origins such as https://app.example.com, without a path',
);
const contacts = list.refine(
  (items) => items.length > 0 && items.every((item) => /^(mailto:|tel:|https:\/\/)[!-~]+$/.test(item)),
  'must be addresses such as mailto:security@example.com or https://example.com/security',
);
const planLimit = z.coerce.number().int().min(0).max(2_000_000_000).optional();
/** A minute; 0: unlimited. */
const rate = z.coerce.number().int().min(0).max(1_000_000_000);

/** Every environment variable Waypost reads, once. An empty value counts as unset. */
const environment = z.object({
  APP_ROLE: z.enum([...ROLES, 'all']).default('all'),
  HOST: z.string().optional(),
  PORT: port.default(3000),
  REDIRECT_PORT: port.default(8080),
  OPS_PORT: port.default(9464),
  DATA_DIR: z.string().default('.waypost'),
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_OWNER_URL: postgresUrl.optional(),
  DATABASE_INGEST_URL: postgresUrl.optional(),
  DATABASE_RESOLVER_URL: postgresUrl.optional(),
  DATABASE_REPLICA_URL: replicaUrl.optional(),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(10),
  HASH_PARTITIONS: z.coerce.number().int().min(1).max(256).default(16),
  REDIS_URL: redisUrl.optional(),
  SECRET_KEY: secretKey.optional(),
  SECRET_KEY_PREVIOUS: secretKeys.default([]),
  PLATFORM_KEY: z.string().min(32, 'must have at least 32 characters').optional(),
  TLS_ASK_KEY: z.string().min(32, 'must have at least 32 characters').optional(),
  PLATFORM_OIDC_ISSUER: z
    .string()
    .refine((issuer) => parseIssuer(issuer) !== undefined, 'must be an https URL in its canonical form')
    .optional(),
  PLATFORM_OIDC_AUDIENCE: z.string().optional(),
  PLATFORM_OIDC_ROLE_CLAIM: z.string().optional(),
  PLATFORM_OIDC_ROLES: operatorRoles.optional(),
  REDIRECT_WORKERS: z.coerce.number().int().min(1).max(64).default(1),
  REDIRECT_CACHE_MB: z.coerce.number().int().min(1).max(1_000_000).default(256),
  SCAN_LIMIT_BURST: z.coerce.number().int().min(0).max(1_000_000).default(100),
  SCAN_LIMIT_PER_SECOND: z.coerce.number().min(0).max(1_000_000).default(2),
  LIMIT_LINKS_PER_MONTH: planLimit,
  LIMIT_DOMAINS: planLimit,
  LIMIT_MEMBERS: planLimit,
  RATE_LIMIT_TENANT: rate.default(600_000),
  RATE_LIMIT_CREDENTIAL: rate.default(300_000),
  RATE_LIMIT_ADDRESS: rate.default(0),
  RATE_LIMIT_FAILURES: rate.default(300),
  CORS_ORIGINS: origins.default([]),
  SECURITY_CONTACT: contacts.default(['https://waypost.dev/security']),
  SPOOL_MAX_MB: z.coerce.number().int().min(1).max(1_000_000).default(1024),
  DRAIN_SECONDS: z.coerce.number().int().min(0).max(15).default(5),
  DNS_SERVERS: list.optional(),
  OUTGOING_ALLOW: networks.default([]),
  OUTGOING_PORTS: list.pipe(z.array(z.coerce.number<string>().int().min(1).max(65535))).default([80, 443, 8080, 8443]),
  TRUSTED_PROXIES: proxies.default([]),
  GEO_COUNTRY_HEADER: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')
    .toLowerCase()
    .optional(),
  GEO_DATABASE: z
    .string()
    .transform((file) => (file === 'none' ? null : file))
    .optional(),
  REPUTATION_FEED: z.string().optional(),
  DESTINATION_MATCHES: z.enum(['disable', 'flag']).default('disable'),
  DESTINATION_RECHECK_HOURS: z.coerce.number().min(0.001).max(720).default(24),
  CLICK_RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).default(365),
  REGION: z.coerce.number().int().min(0).default(0),
  REGIONS: z.coerce.number().int().min(1).max(64).default(1),
  ...tracingEnvironment,
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

/** Their names, for whoever sets them from elsewhere. */
export const environmentNames: readonly string[] = Object.keys(environment.shape);

type Environment = z.output<typeof environment>;

export interface DatabaseUrls {
  owner: string;
  app: string;
  ingest: string;
  resolver: string;
  /** Of a read replica, with the same roles. */
  replica: { app: string; resolver: string } | undefined;
}

/** The identity provider of the platform's operators. */
export interface PlatformOidc {
  issuer: string;
  audience: string;
  /** Path of the claim that says what an operator may do. */
  roleClaim: string;
  /** Permissions by value of that claim; `*` for all. */
  roles: Readonly<Record<string, readonly string[]>>;
}

interface PlanDefaults {
  linksPerMonth: number | null;
  domains: number | null;
  members: number | null;
  requestsPerMinute: number | null;
}

/** What the process is told from outside, with defaults filled in. */
export interface Settings {
  roles: ReadonlySet<Role>;
  host: string | undefined;
  ports: { api: number; redirect: number; ops: number };
  dataDir: string;
  /** Undefined: the embedded server. */
  databaseUrls: DatabaseUrls | undefined;
  /** Those that a variable of their own names: others derive from DATABASE_URL, whose password need not be theirs. */
  namedUrls: ReadonlyArray<keyof typeof OWN_URL>;
  poolSize: number;
  hashPartitions: number;
  redirectWorkers: number;
  redirectCacheBytes: number;
  /** Of names that are not there, for each client; 0: unlimited. */
  scanLimit: { burst: number; perSecond: number };
  /** What a tenant may have whose own plan does not say; null: as much as it likes. */
  planLimits: PlanDefaults;
  /** Requests a minute; 0: unlimited. */
  rateLimits: { address: number; credential: number; failures: number };
  /** Of pages that may call the API from a browser. */
  corsOrigins: string[];
  securityContacts: string[];
  spoolBytes: number;
  drainMs: number;
  redisUrl: string | undefined;
  secretKey: string | undefined;
  /** Accepted for reading, newest first. */
  previousSecretKeys: string[];
  platformKey: string | undefined;
  /** With which a proxy asks whether a hostname is served. */
  tlsAskKey: string | undefined;
  platformOidc: PlatformOidc | undefined;
  dnsServers: string[] | undefined;
  /** Networks that outgoing requests may reach though they are not public, in CIDR form. */
  outgoingAllow: string[];
  /** Of public servers. */
  outgoingPorts: number[];
  /** Addresses, networks and names of networks, as @fastify/proxy-addr takes them. */
  trustedProxies: string[];
  /** In which an edge in front says where a visitor is, in lower case. */
  geoCountryHeader: string | undefined;
  /** A file (.mmdb); null: none, undefined: the one that comes with Waypost. */
  geoDatabase: string | null | undefined;
  clickRetentionDays: number;
  /** A file of harmful hosts and URLs. */
  reputationFeed: string | undefined;
  /** What becomes of a link whose destination is harmful or denied by now. */
  destinationMatches: Environment['DESTINATION_MATCHES'];
  destinationRecheckMs: number;
  region: { index: number; count: number };
  /** Undefined: no traces. */
  tracing: TracingSettings | undefined;
  logLevel: Environment['LOG_LEVEL'];
}

/** What the running roles work with: nothing optional that they need. A Nest provider, injected by this class. */
export class Config {
  readonly roles!: ReadonlySet<Role>;
  readonly embedded!: boolean;
  readonly host!: string;
  readonly ports!: Settings['ports'];
  readonly dataDir!: string;
  readonly databaseUrls!: DatabaseUrls;
  readonly poolSize!: number;
  /** Processes that share the redirect port. More than one: the process that is told so has them do that role. */
  readonly redirectWorkers!: number;
  /** Which of them this is, from 0; undefined in a process that is not one of several. */
  readonly redirectWorker!: number | undefined;
  readonly redirectCacheBytes!: number;
  readonly scanLimit!: Settings['scanLimit'];
  readonly planLimits!: Settings['planLimits'];
  readonly rateLimits!: Settings['rateLimits'];
  readonly corsOrigins!: string[];
  readonly securityContacts!: string[];
  readonly spoolBytes!: number;
  /** For how long a process that is no longer ready goes on serving. */
  readonly drainMs!: number;
  readonly redisUrl!: string | undefined;
  readonly secretKey!: Buffer;
  readonly previousSecretKeys!: Buffer[];
  readonly platformKey!: string;
  readonly tlsAskKey!: string | undefined;
  readonly platformOidc!: PlatformOidc | undefined;
  readonly dnsServers!: string[] | undefined;
  readonly outgoingAllow!: string[];
  readonly outgoingPorts!: number[];
  readonly trustedProxies!: string[];
  readonly geoCountryHeader!: string | undefined;
  readonly geoDatabase!: Settings['geoDatabase'];
  readonly clickRetentionDays!: number;
  readonly reputationFeed!: string | undefined;
  readonly destinationMatches!: Settings['destinationMatches'];
  readonly destinationRecheckMs!: number;
  readonly region!: Settings['region'];
  readonly tracing!: TracingSettings | undefined;

  private constructor(values: Omit<Config, never>) {
    Object.assign(this, values);
  }

  static from(
    settings: Settings,
    given: { databaseUrls: DatabaseUrls; secretKey: string; platformKey: string },
  ): Config {
    const embedded = settings.databaseUrls === undefined;
    return new Config({
      roles: settings.roles,
      embedded,
      host: settings.host ?? (embedded ? '127.0.0.1' : '0.0.0.0'),
      ports: settings.ports,
      dataDir: settings.dataDir,
      databaseUrls: given.databaseUrls,
      poolSize: settings.poolSize,
      redirectWorkers: settings.redirectWorkers,
      redirectWorker: undefined,
      redirectCacheBytes: settings.redirectCacheBytes,
      scanLimit: settings.scanLimit,
      planLimits: settings.planLimits,
      rateLimits: settings.rateLimits,
      corsOrigins: settings.corsOrigins,
      securityContacts: settings.securityContacts,
      spoolBytes: settings.spoolBytes,
      // Nobody stands in front of the embedded default, and somebody waits for it to end.
      drainMs: embedded ? 0 : settings.drainMs,
      redisUrl: settings.redisUrl,
      secretKey: Buffer.from(given.secretKey, 'base64'),
      previousSecretKeys: settings.previousSecretKeys.map((key) => Buffer.from(key, 'base64')),
      platformKey: given.platformKey,
      tlsAskKey: settings.tlsAskKey,
      platformOidc: settings.platformOidc,
      dnsServers: settings.dnsServers,
      outgoingAllow: settings.outgoingAllow,
      outgoingPorts: settings.outgoingPorts,
      trustedProxies: settings.trustedProxies,
      geoCountryHeader: settings.geoCountryHeader,
      geoDatabase: settings.geoDatabase,
      clickRetentionDays: settings.clickRetentionDays,
      reputationFeed: settings.reputationFeed,
      destinationMatches: settings.destinationMatches,
      destinationRecheckMs: settings.destinationRecheckMs,
      region: settings.region,
      tracing: settings.tracing,
    });
  }

  /** What one of the workers is told: the redirect role alone, and its share of what is for the whole. */
  static ofRedirectWorker(config: Config, index: number): Config {
    return new Config({
      ...config,
      roles: new Set(['redirect'] as const),
      redirectWorker: index,
      redirectCacheBytes: Math.floor(config.redirectCacheBytes / config.redirectWorkers),
      spoolBytes: Math.floor(config.spoolBytes / config.redirectWorkers),
    });
  }

  /** A configuration that came from another process as mere values. */
  static received(values: Omit<Config, never>): Config {
    return new Config(values);
  }
}

/** Thrown with one message that names every bad or missing variable, and shows no value: values may be secrets. */
export class ConfigError extends Error {}

/**
 * @param purpose what the process is about to do: run a role, or migrate
 * @throws ConfigError
 */
export function readSettings(variables: Record<string, string | undefined>, purpose: 'run' | 'migrate'): Settings {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  const faults = [
    ...(parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    ...missing(given, purpose),
    ...(parsed.success ? contradictions(parsed.data) : []),
  ];
  if (!parsed.success || faults.length > 0) {
    throw new ConfigError(['The environment is not usable:', ...faults].join('\n  '));
  }
  const env = parsed.data;
  return {
    roles: new Set(env.APP_ROLE === 'all' ? ROLES : [env.APP_ROLE]),
    host: env.HOST,
    ports: { api: env.PORT, redirect: env.REDIRECT_PORT, ops: env.OPS_PORT },
    dataDir: env.DATA_DIR,
    databaseUrls: env.DATABASE_URL ? databaseUrls(env, env.DATABASE_URL) : undefined,
    namedUrls: namedUrls(env),
    poolSize: env.DATABASE_POOL_SIZE,
    hashPartitions: env.HASH_PARTITIONS,
    redirectWorkers: env.REDIRECT_WORKERS,
    redirectCacheBytes: env.REDIRECT_CACHE_MB * 1024 * 1024,
    scanLimit: { burst: env.SCAN_LIMIT_BURST, perSecond: env.SCAN_LIMIT_PER_SECOND },
    planLimits: {
      linksPerMonth: env.LIMIT_LINKS_PER_MONTH ?? null,
      domains: env.LIMIT_DOMAINS ?? null,
      members: env.LIMIT_MEMBERS ?? null,
      requestsPerMinute: env.RATE_LIMIT_TENANT || null,
    },
    rateLimits: {
      address: env.RATE_LIMIT_ADDRESS,
      credential: env.RATE_LIMIT_CREDENTIAL,
      failures: env.RATE_LIMIT_FAILURES,
    },
    corsOrigins: env.CORS_ORIGINS,
    securityContacts: env.SECURITY_CONTACT,
    spoolBytes: env.SPOOL_MAX_MB * 1024 * 1024,
    drainMs: env.DRAIN_SECONDS * 1000,
    redisUrl: env.REDIS_URL,
    secretKey: env.SECRET_KEY,
    previousSecretKeys: env.SECRET_KEY_PREVIOUS,
    platformKey: env.PLATFORM_KEY,
    tlsAskKey: env.TLS_ASK_KEY,
    platformOidc: platformOidc(env),
    dnsServers: env.DNS_SERVERS,
    outgoingAllow: env.OUTGOING_ALLOW,
    outgoingPorts: env.OUTGOING_PORTS,
    trustedProxies: env.TRUSTED_PROXIES,
    geoCountryHeader: env.GEO_COUNTRY_HEADER,
    geoDatabase: env.GEO_DATABASE,
    clickRetentionDays: env.CLICK_RETENTION_DAYS,
    reputationFeed: env.REPUTATION_FEED,
    destinationMatches: env.DESTINATION_MATCHES,
    destinationRecheckMs: Math.round(env.DESTINATION_RECHECK_HOURS * 3_600_000),
    region: { index: env.REGION, count: env.REGIONS },
    tracing: tracingSettings(env),
    logLevel: env.LOG_LEVEL,
  };
}

/** What the embedded default makes for itself, and a server must be told. A migration needs no secrets. */
function missing(given: Record<string, string | undefined>, purpose: 'run' | 'migrate'): string[] {
  const { APP_ROLE = 'all', DATABASE_URL } = given;
  if (!DATABASE_URL) return APP_ROLE === 'all' ? [] : ['DATABASE_URL: is required when APP_ROLE is not all'];
  const needed = purpose === 'run' ? (['SECRET_KEY', 'PLATFORM_KEY'] as const) : [];
  return needed.filter((name) => !given[name]).map((name) => `${name}: is required when DATABASE_URL is set`);
}

function contradictions(env: Environment): string[] {
  const ports = new Set([env.PORT, env.REDIRECT_PORT, env.OPS_PORT]);
  return [
    ...(ports.size < 3 ? ['PORT, REDIRECT_PORT, OPS_PORT: must differ'] : []),
    ...(env.REDIRECT_WORKERS > 1 && env.APP_ROLE !== 'redirect' && env.APP_ROLE !== 'all'
      ? ['REDIRECT_WORKERS: must be 1 when APP_ROLE has no redirect']
      : []),
    // A proxy's key lies in the proxy's configuration, and in its log when it was refused.
    ...(env.TLS_ASK_KEY !== undefined && env.TLS_ASK_KEY === env.PLATFORM_KEY
      ? ['TLS_ASK_KEY: must differ from PLATFORM_KEY']
      : []),
    ...(env.REGION >= env.REGIONS ? ['REGION: must be smaller than REGIONS'] : []),
    ...partOfProvider(env),
  ];
}

const OIDC = [
  'PLATFORM_OIDC_ISSUER',
  'PLATFORM_OIDC_AUDIENCE',
  'PLATFORM_OIDC_ROLE_CLAIM',
  'PLATFORM_OIDC_ROLES',
] as const;

/** Half a provider would let nobody in, or, worse, somebody. */
function partOfProvider(env: Environment): string[] {
  const unset = OIDC.filter((name) => env[name] === undefined);
  return unset.length === OIDC.length ? [] : unset.map((name) => `${name}: is required beside other PLATFORM_OIDC_…`);
}

function platformOidc(env: Environment): PlatformOidc | undefined {
  const { PLATFORM_OIDC_ISSUER: issuer, PLATFORM_OIDC_AUDIENCE: audience } = env;
  const { PLATFORM_OIDC_ROLE_CLAIM: roleClaim, PLATFORM_OIDC_ROLES: roles } = env;
  return issuer && audience && roleClaim && roles ? { issuer, audience, roleClaim, roles } : undefined;
}

const OWN_URL = {
  owner: 'DATABASE_OWNER_URL',
  ingest: 'DATABASE_INGEST_URL',
  resolver: 'DATABASE_RESOLVER_URL',
} as const;

const namedUrls = (env: Environment): Settings['namedUrls'] =>
  (Object.keys(OWN_URL) as Array<keyof typeof OWN_URL>).filter((role) => env[OWN_URL[role]] !== undefined);

function databaseUrls(env: Environment, appUrl: string): DatabaseUrls {
  const as = (role: string): string => {
    const url = new URL(appUrl);
    url.username = role;
    return url.href;
  };
  const resolver = env.DATABASE_RESOLVER_URL ?? as('waypost_resolver');
  return {
    owner: env.DATABASE_OWNER_URL ?? as('waypost_owner'),
    app: appUrl,
    ingest: env.DATABASE_INGEST_URL ?? as('waypost_ingest'),
    resolver,
    replica: env.DATABASE_REPLICA_URL
      ? { app: loginOf(appUrl, env.DATABASE_REPLICA_URL), resolver: loginOf(resolver, env.DATABASE_REPLICA_URL) }
      : undefined,
  };
}

/** The replica's address with the role and password that go for the primary. */
function loginOf(primary: string, replica: string): string {
  const url = new URL(replica);
  ({ username: url.username, password: url.password } = new URL(primary));
  return url.href;
}
