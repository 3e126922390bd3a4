import { describe, expect, it } from '@jest/globals';
import { Config, ConfigError, readSettings } from './config.js';

const server = {
  DATABASE_URL: 'postgres://waypost_app:s%40cret@db.internal:5432/waypost',
  SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
  PLATFORM_KEY: 'p'.repeat(40),
};

/** The message with which this environment is refused. */
function refusal(variables: Record<string, string>): string {
  try {
    readSettings(variables, 'run');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('These variables were accepted');
}

describe('readSettings', () => {
  it('needs nothing for the embedded default', () => {
    const settings = readSettings({}, 'run');
    expect(settings).toMatchObject({
      databaseUrls: undefined,
      dataDir: '.waypost',
      ports: { api: 3000, redirect: 8080, ops: 9464 },
    });
    expect([...settings.roles]).toEqual(['api', 'redirect', 'worker']);
  });

  it('takes an empty variable for an unset one', () =>
    expect(readSettings({ PORT: '', REDIS_URL: '' }, 'run').ports.api).toBe(3000));

  it('derives the other database roles from DATABASE_URL', () => {
    expect(readSettings(server, 'run').databaseUrls).toEqual({
      app: server.DATABASE_URL,
      owner: 'postgres://waypost_owner:s%40cret@db.internal:5432/waypost',
      ingest: 'postgres://waypost_ingest:s%40cret@db.internal:5432/waypost',
      resolver: 'postgres://waypost_resolver:s%40cret@db.internal:5432/waypost',
      replica: undefined,
    });
  });

  it.each(['replica.internal:5432', 'someone:else@replica.internal:5432'])(
    'reads from a replica, %s, with the roles and passwords of the primary',
    (replica) => {
      const given = { ...server, DATABASE_REPLICA_URL: `postgres://${replica}/waypost` };
      expect(readSettings(given, 'run').databaseUrls?.replica).toEqual({
        app: 'postgres://waypost_app:s%40cret@replica.internal:5432/waypost',
        resolver: 'postgres://waypost_resolver:s%40cret@replica.internal:5432/waypost',
      });
    },
  );

  it.each(['postgres:///waypost', 'replica.internal', 'mysql://replica.internal/waypost'])(
    'refuses %s for a replica',
    (DATABASE_REPLICA_URL) => expect(refusal({ DATABASE_REPLICA_URL })).toContain('  DATABASE_REPLICA_URL: must look'),
  );

  it('names every bad or missing variable in one message, and shows no value', () => {
    const bad = { APP_ROLE: 'api', PORT: '99999', REDIS_URL: 'hunter2', SECRET_KEY: 'c2hvcnQ=', LOG_LEVEL: 'loud' };
    const message = refusal(bad);
    for (const name of ['PORT', 'REDIS_URL', 'SECRET_KEY', 'LOG_LEVEL', 'DATABASE_URL'])
      expect(message).toContain(`  ${name}: `);
    expect(message).not.toMatch(/hunter2|c2hvcnQ|99999/);
  });

  it('needs the secrets to run on a server, not to migrate it', () => {
    const { DATABASE_URL } = server;
    expect(() => readSettings({ DATABASE_URL }, 'run')).toThrow(/SECRET_KEY: .*\n.*PLATFORM_KEY: /);
    expect(readSettings({ DATABASE_URL }, 'migrate').databaseUrls).toBeDefined();
  });

  it('trusts no proxy unless told, and then addresses, networks and names of networks', () => {
    const trusted = (TRUSTED_PROXIES: string): string[] => readSettings({ TRUSTED_PROXIES }, 'run').trustedProxies;
    expect(readSettings({}, 'run').trustedProxies).toEqual([]);
    expect(trusted('loopback, 10.0.0.0/8,2001:db8::/32 ,192.0.2.1')).toEqual([
      'loopback',
      '10.0.0.0/8',
      '2001:db8::/32',
      '192.0.2.1',
    ]);
  });

  it.each(['true', '1', '10.0.0.0/33', '10.0.0.0/0', '10.0.0.0/', 'proxy.internal', 'loopback/8', '10.0.0.1 10.0.0.2'])(
    'refuses to trust %s',
    (TRUSTED_PROXIES) => expect(refusal({ TRUSTED_PROXIES })).toContain('  TRUSTED_PROXIES: must be addresses'),
  );

  it('takes a country from a header only when told which, whatever its case', () => {
    expect(readSettings({}, 'run').geoCountryHeader).toBeUndefined();
    expect(readSettings({ GEO_COUNTRY_HEADER: 'CF-IPCountry' }, 'run').geoCountryHeader).toBe('cf-ipcountry');
    expect(refusal({ GEO_COUNTRY_HEADER: 'X Country' })).toContain('  GEO_COUNTRY_HEADER: ');
  });

  it('looks places up in the file that is there, in another, or in none', () => {
    expect(readSettings({}, 'run').geoDatabase).toBeUndefined();
    expect(readSettings({ GEO_DATABASE: '/srv/city.mmdb' }, 'run').geoDatabase).toBe('/srv/city.mmdb');
    expect(readSettings({ GEO_DATABASE: 'none' }, 'run').geoDatabase).toBeNull();
  });

  it.each(['0', '1.5', 'never'])('can not keep clicks for %s days', (CLICK_RETENTION_DAYS) =>
    expect(refusal({ CLICK_RETENTION_DAYS })).toContain('  CLICK_RETENTION_DAYS: '),
  );

  it('lets tenants have as much as they like unless told, and limits requests by default', () => {
    expect(readSettings({}, 'run')).toMatchObject({
      planLimits: { linksPerMonth: null, domains: null, members: null, requestsPerMinute: 600_000 },
      rateLimits: { address: 0, credential: 300_000, failures: 300 },
      corsOrigins: [],
    });
    const told = { LIMIT_LINKS_PER_MONTH: '0', LIMIT_DOMAINS: '5', RATE_LIMIT_TENANT: '0' };
    expect(readSettings(told, 'run').planLimits).toMatchObject({
      linksPerMonth: 0,
      domains: 5,
      requestsPerMinute: null,
    });
  });

  it.each(['*', 'app.example.com', 'https://app.example.com/', 'https://App.example.com', 'null', 'ftp://a.example'])(
    'opens the API to no origin such as %s',
    (CORS_ORIGINS) => expect(refusal({ CORS_ORIGINS })).toContain('  CORS_ORIGINS: must be origins'),
  );

  it.each(['security@example.com', 'http://example.com', 'mailto:a@example.com\nContact: x', ','])(
    'tells nobody to report flaws to %j',
    (SECURITY_CONTACT) => expect(refusal({ SECURITY_CONTACT })).toContain('  SECURITY_CONTACT: must be addresses'),
  );

  it('gives a TLS proxy no key that opens more', () => {
    const { PLATFORM_KEY } = server;
    expect(refusal({ ...server, TLS_ASK_KEY: PLATFORM_KEY })).toContain('  TLS_ASK_KEY: must differ from PLATFORM_KEY');
    expect(refusal({ ...server, TLS_ASK_KEY: 'short' })).toContain('  TLS_ASK_KEY: must have at least 32 characters');
    expect(readSettings({ ...server, TLS_ASK_KEY: 't'.repeat(32) }, 'run').tlsAskKey).toBe('t'.repeat(32));
  });

  it('refuses two listeners on one port', () =>
    expect(() => readSettings({ PORT: '8080' }, 'run')).toThrow(/must differ/));
});

describe('REDIRECT_WORKERS', () => {
  it.each(['0', '65', '1.5', 'many'])('can not be %s', (REDIRECT_WORKERS) =>
    expect(refusal({ REDIRECT_WORKERS })).toContain('  REDIRECT_WORKERS: '),
  );

  it.each(['api', 'worker'])('is refused where the role is %s', (APP_ROLE) => {
    expect(refusal({ ...server, APP_ROLE, REDIRECT_WORKERS: '2' })).toContain('REDIRECT_WORKERS: must be 1 when');
    expect(readSettings({ ...server, APP_ROLE, REDIRECT_WORKERS: '1' }, 'run').redirectWorkers).toBe(1);
  });

  it('divides memory and disk among the workers, who play the redirect role alone', () => {
    const settings = readSettings({ REDIRECT_WORKERS: '3', REDIRECT_CACHE_MB: '2', SPOOL_MAX_MB: '1' }, 'run');
    const databaseUrls = readSettings(server, 'run').databaseUrls as never;
    const whole = Config.from(settings, { ...server, databaseUrls, secretKey: '', platformKey: '' });
    const worker = Config.ofRedirectWorker(whole, 2);
    expect(worker).toMatchObject({
      redirectWorker: 2,
      redirectCacheBytes: Math.floor((2 * 1024 * 1024) / 3),
      spoolBytes: Math.floor((1024 * 1024) / 3),
      embedded: true,
    });
    expect([...worker.roles]).toEqual(['redirect']);
  });
});

describe('Config', () => {
  it('knows the keys of before, in their order, and refuses what is none', () => {
    const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const named = { ...server, SECRET_KEY_PREVIOUS: `${one.toString('base64')}, ${two.toString('base64')}` };
    const settings = readSettings(named, 'run');
    const given = { databaseUrls: settings.databaseUrls as never, secretKey: server.SECRET_KEY, platformKey: 'x' };
    expect(Config.from(settings, given).previousSecretKeys).toEqual([one, two]);
    expect(Config.from(readSettings(server, 'run'), given).previousSecretKeys).toEqual([]);
    const wrong = { ...server, SECRET_KEY_PREVIOUS: `${one.toString('base64')},short` };
    expect(() => readSettings(wrong, 'run')).toThrow('SECRET_KEY_PREVIOUS');
  });

  it('binds to every address on a server and to this machine alone when embedded', () => {
    const settings = readSettings(server, 'run');
    const given = {
      databaseUrls: settings.databaseUrls as never,
      secretKey: server.SECRET_KEY,
      platformKey: server.PLATFORM_KEY,
    };
    expect(Config.from(settings, given)).toMatchObject({ embedded: false, host: '0.0.0.0' });
    expect(Config.from(readSettings({}, 'run'), given)).toMatchObject({ embedded: true, host: '127.0.0.1' });
  });
});

describe('PLATFORM_OIDC_…', () => {
  const provider = {
    PLATFORM_OIDC_ISSUER: 'https://id.example.com/realms/ops',
    PLATFORM_OIDC_AUDIENCE: 'waypost-ops',
    PLATFORM_OIDC_ROLE_CLAIM: 'groups',
    PLATFORM_OIDC_ROLES: 'Waypost Admins=*, support=tenants:read  ops:read',
  };

  it('is the operators’ provider', () =>
    expect(readSettings(provider, 'run').platformOidc).toEqual({
      issuer: 'https://id.example.com/realms/ops',
      audience: 'waypost-ops',
      roleClaim: 'groups',
      roles: { 'Waypost Admins': ['*'], support: ['tenants:read', 'ops:read'] },
    }));

  it('is none unless said', () => expect(readSettings({}, 'run').platformOidc).toBeUndefined());

  it.each(Object.keys(provider))('is refused in part: without %s', (name) =>
    expect(refusal({ ...provider, [name]: '' })).toContain(`  ${name}: is required`),
  );

  it.each(['admins', 'admins=', 'admins=all', '=*', 'a=tenants:read,b'])('is refused with the roles %s', (roles) =>
    expect(refusal({ ...provider, PLATFORM_OIDC_ROLES: roles })).toContain('  PLATFORM_OIDC_ROLES: must look like'),
  );

  it.each(['http://id.example.com', 'id.example.com', 'https://id.example.com/?x'])(
    'is refused with the issuer %s',
    (iss) => expect(refusal({ ...provider, PLATFORM_OIDC_ISSUER: iss })).toContain('  PLATFORM_OIDC_ISSUER: must be'),
  );
});
