import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { environmentNames } from '../../src/platform/config/config.js';
import { describeChart, PROFILES, rendered, type Schema, valuesFile, valuesSchema } from '../support/chart.js';

const schema = valuesSchema();
const values = valuesFile();

const followed = (found: Schema): Schema =>
  found.$ref ? (schema.$defs?.[found.$ref.replace('#/$defs/', '')] ?? {}) : found;

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** Every value of values.yaml that is no group of others, by its path. */
function leaves(group: Record<string, unknown>, path: string[] = []): Array<{ path: string[]; value: unknown }> {
  return Object.entries(group).flatMap(([name, value]) =>
    isGroup(value) ? leaves(value, [...path, name]) : [{ path: [...path, name], value }],
  );
}

/** The part of the schema that is about a value. */
const schemaOf = (path: string[]): Schema | undefined =>
  path.reduce<Schema | undefined>((found, name) => {
    const parent = found && followed(found);
    const inner = parent?.additionalProperties;
    return parent?.properties?.[name] ?? (typeof inner === 'object' ? inner : undefined);
  }, schema);

const nested = (path: string[], value: unknown): object =>
  path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;

/** Another value that the schema allows, where it can not be made up from what is there. */
const OTHERS: Record<string, unknown> = {
  'image.digest': `sha256:${'a'.repeat(64)}`,
  imagePullSecrets: [{ name: 'other' }],
  'externalSecrets.refreshInterval': '2h',
  'externalSecrets.storeRef.kind': 'ClusterSecretStore',
  'api.nodeFlags': ['--max-old-space-size=512'],
  'api.env': { LOG_LEVEL: 'error' },
  'redirect.env': { LOG_LEVEL: 'error' },
  'worker.env': { LOG_LEVEL: 'error' },
  'env.HOST': '::',
  'env.PLATFORM_OIDC_ISSUER': 'https://id.example.com',
  'env.GEO_DATABASE': '/other.mmdb',
  'env.REPUTATION_FEED': '/feed',
  'redirect.spool.volumeMb': 9_000,
  'worker.autoscaling.kind': 'hpa',
  'worker.autoscaling.keda.prometheusAddress': 'http://other:9090',
  'gateway.parentRefs': [{ name: 'other' }],
  'networkPolicy.gateway': [{ podSelector: {} }],
  'networkPolicy.monitoring': [{ podSelector: {} }],
  'networkPolicy.postgres.to': [{ podSelector: {} }],
  'networkPolicy.redis.to': [{ podSelector: {} }],
  'networkPolicy.dns.ports': [1],
  'networkPolicy.postgres.ports': [1],
  'networkPolicy.redis.ports': [1],
  'networkPolicy.privateNetworks': ['192.0.2.0/24'],
  'networkPolicy.privateNetworks6': ['2001:db8::/32'],
  'networkPolicy.extraEgress': [{ to: [{ podSelector: {} }] }],
  'monitoring.interval': '7s',
  'monitoring.alerts.labels': { team: 'links' },
  'monitoring.alerts.runbooks': 'https://runbooks.example',
  'monitoring.alerts.changes': { WaypostClicksLost: { enabled: false } },
  'backup.timeZone': 'Asia/Tokyo',
  'backup.schedule': '1 1 * * *',
  'backup.volume.size': '7Gi',
};

/** The same for values that roles have alike, by the last part of their path. */
const OTHERS_BY_END: Record<string, unknown> = {
  cpu: '7',
  memory: '7Gi',
  hostnames: ['other.example.com'],
  tolerations: [{ key: 'other', operator: 'Exists' }],
  extraVolumes: [{ name: 'other', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'other', mountPath: '/other' }],
};

function another(path: string[], value: unknown): unknown {
  const given = OTHERS[path.join('.')] ?? OTHERS_BY_END[path.at(-1) ?? ''];
  if (given !== undefined) return given;
  const found = followed(schemaOf(path) ?? {});
  if (found.enum) return found.enum.find((one) => one !== value && one !== null && one !== '');
  return anotherOfType(found, value);
}

function anotherOfType(found: Schema, value: unknown): unknown {
  const types = new Set([found.type].flat());
  if (types.has('boolean')) return value !== true;
  if (types.has('object')) return { other: 'other' };
  if (!types.has('integer') && !types.has('number') && !found.oneOf) return 'other';
  const number = typeof value === 'number' ? value : (found.minimum ?? 1);
  return found.maximum === number ? number - 1 : number + 1;
}

describe('values.schema.json', () => {
  it('knows every value of values.yaml, and values.yaml every value that it knows', () => {
    const known = (found: Schema, path: string[] = []): string[] => {
      const { properties } = followed(found);
      if (!properties) return [path.join('.')];
      return Object.entries(properties).flatMap(([name, inner]) => known(inner, [...path, name]));
    };
    const there = leaves(values).map(({ path }) => path.join('.'));
    for (const name of there) expect([name, schemaOf(name.split('.'))]).toEqual([name, expect.anything()]);
    // Of what a role may have besides, and of the free form of resources, values.yaml has no more than the defaults.
    const own = known(schema).filter((name) => !/^(global|(api|redirect|worker)\.env\.|.*\.resources\.)/.test(name));
    const isThere = (name: string): boolean => there.some((one) => one === name || one.startsWith(`${name}.`));
    expect(own.filter((name) => !isThere(name))).toEqual([]);
  });

  it('refuses what it does not know, wherever it stands', () => {
    const open = (found: Schema, path: string): string[] => {
      const here = found.properties && found.additionalProperties !== false ? [path] : [];
      const inner = Object.entries({ ...found.properties, ...found.$defs }).flatMap(([name, one]) =>
        open(one, `${path}.${name}`),
      );
      return [...here, ...inner, ...(found.items ? open(found.items, `${path}[]`) : [])];
    };
    expect(open(schema, '')).toEqual([]);
  });

  it('has a place for every variable of the configuration', () => {
    const { env, secrets, redirect } = values as Record<string, Record<string, unknown>>;
    expect(redirect).toHaveProperty('workers');
    const bySecret = Object.keys(secrets?.keys as object);
    // What the chart itself decides: the rest of it rests on these.
    const ownWay = ['APP_ROLE', 'PORT', 'REDIRECT_PORT', 'OPS_PORT', 'DATA_DIR'];
    const byValue = ['DRAIN_SECONDS', 'REDIRECT_WORKERS', 'SPOOL_MAX_MB'];
    const free = environmentNames.filter((name) => name.startsWith('OTEL_'));
    const placed = [...Object.keys(env ?? {}), ...bySecret, ...ownWay, ...byValue, ...free];
    expect(placed.filter((name) => name !== 'BACKUP_DATABASE_URL').toSorted()).toEqual(environmentNames.toSorted());
  });
});

describe('the values files of the checks', () => {
  it('are told apart by what they begin with', () => {
    for (const profile of PROFILES) {
      const text = readFileSync(join(import.meta.dirname, `../../helm/waypost/ci/${profile}.yaml`), 'utf8');
      expect(text).toMatch(/^# [A-Z]/);
    }
  });
});

describeChart('values.yaml', () => {
  // Most values matter where everything is on.
  const profiles = ['full', ...PROFILES.filter((profile) => profile !== 'full')];
  /** What needs two values at once, or a profile in which it matters. */
  const WITH: Record<string, object> = {
    'gateway.create': { gateway: { enabled: true, className: 'envoy' }, api: { hostnames: ['a.example.com'] } },
    'gateway.parentRefs': { gateway: { enabled: true } },
    'gateway.enabled': { gateway: { parentRefs: [{ name: 'shared' }] } },
    'externalSecrets.enabled': { externalSecrets: { storeRef: { name: 'vault' }, remoteKey: 'waypost' } },
    'certificates.enabled': { certificates: { issuerRef: { name: 'x' } }, api: { hostnames: ['a.example.com'] } },
    'worker.autoscaling.enabled': { worker: { autoscaling: { keda: { prometheusAddress: 'http://prometheus' } } } },
    'image.tag': { image: { digest: '' } },
  };

  it('has no value that changes nothing', () => {
    const idle = leaves(values).filter(({ path, value }) => {
      const name = path.join('.');
      const changed = nested(path, another(path, value));
      return !profiles.some((profile) => {
        const [before, after] = [attempt(profile, WITH[name] ?? {}), attempt(profile, WITH[name] ?? {}, changed)];
        return before !== undefined && after !== undefined && before !== after;
      });
    });
    expect(idle.map(({ path }) => path.join('.'))).toEqual([]);
    // Some 250 runs of Helm: half a minute, or as long as others take the machine for.
  }, 900_000);

  it.each([
    ['a value that nobody knows', { nope: 1 }],
    ['a misspelt variable', { api: { env: { PROT: 1 } } }],
    ['a variable of the redirect role elsewhere', { env: { REDIRECT_WORKERS: 2 } }],
    ['a drain longer than the stop', { drainSeconds: 16 }],
    ['a level that is none', { env: { LOG_LEVEL: 'loud' } }],
    ['a port as a word', { api: { service: { port: 'http' } } }],
    ['a hostname with a scheme', { api: { hostnames: ['https://links.example.com'] } }],
    ['root', { podSecurity: { runAsUser: 0 } }],
    ['a digest that is none', { image: { digest: 'sha256:short' } }],
  ])('is refused with %s', (_name, wrong) => {
    expect(() => rendered('minimal', wrong)).toThrow(/don't meet the specifications of the schema/);
  });

  it.each([
    ['no Secret', { secrets: { existingSecret: '' } }, 'secrets.existingSecret: name the Secret'],
    ['a route to no Gateway', { gateway: { enabled: true } }, 'gateway.parentRefs: name the Gateway'],
    [
      'KEDA without Prometheus',
      { worker: { autoscaling: { enabled: true } } },
      'worker.autoscaling.keda.prometheusAddress',
    ],
    [
      'more short domains than a Gateway has listeners',
      {
        gateway: { enabled: true, create: true, className: 'x' },
        redirect: { hostnames: Array.from({ length: 64 }, (_, n) => `d${n}.example.com`) },
      },
      'a Gateway has 64 listeners at most',
    ],
    [
      'a volume that its clicks fill',
      { redirect: { spool: { maxMb: 1024, volumeMb: 1215 } } },
      'redirect.spool.volumeMb: 1215 MiB are too few for redirect.spool.maxMb: 1216 at least',
    ],
  ])('is refused with %s, and says so', (_name, wrong, message) => {
    expect(() => rendered('minimal', wrong)).toThrow(message);
  });

  it('writes large numbers as Waypost reads them', () => {
    const text = rendered('minimal', { env: { RATE_LIMIT_TENANT: 1_000_000_000, DESTINATION_RECHECK_HOURS: 0.001 } });
    expect(text).toContain('value: "1000000000"');
    expect(text).toContain('value: "0.001"');
  });
});

const attempts = new Map<string, string | undefined>();

/** What comes of values laid over each other; undefined where they are refused. */
function attempt(profile: string, ...layers: object[]): string | undefined {
  const merged = layers.reduce((all, layer) => merge(all, layer), {});
  const key = `${profile} ${JSON.stringify(merged)}`;
  if (!attempts.has(key)) attempts.set(key, outcome(profile, merged));
  return attempts.get(key);
}

function outcome(profile: string, merged: object): string | undefined {
  try {
    return rendered(profile, merged);
  } catch {
    return undefined;
  }
}

function merge(left: object, right: object): object {
  const all: Record<string, unknown> = { ...left };
  for (const [name, value] of Object.entries(right)) {
    const before = all[name];
    all[name] = isGroup(value) && isGroup(before) ? merge(before, value) : value;
  }
  return all;
}
