import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { environmentNames, readSettings } from '../../src/platform/config/config.js';
import { STOP_DEADLINE_MS } from '../../src/roles/stop-deadline.js';
import {
  type Container,
  describeChart,
  type Manifest,
  manifestsOf,
  podOf,
  PROFILES,
  rendered,
} from '../support/chart.js';

const ROOT = join(import.meta.dirname, '../..');
const ROLES = ['api', 'redirect', 'worker'];
const { ports } = readSettings({}, 'run');

/** Rendered once for each file of values. */
const kept = new Map<string, Manifest[]>();
function manifests(profile: string): Manifest[] {
  const found = kept.get(profile) ?? manifestsOf(rendered(profile));
  kept.set(profile, found);
  return found;
}

interface Found {
  name: string;
  role: string;
  spec: NonNullable<ReturnType<typeof podOf>>['spec'];
  labels: Record<string, string>;
  container: Container;
}

const podsOf = (profile: string): Found[] =>
  manifests(profile).flatMap(({ ...manifest }) => {
    const pod = podOf(manifest);
    if (!pod) return [];
    return pod.spec.containers.map((container) => ({
      name: manifest.metadata.name,
      role: pod.labels['app.kubernetes.io/component'] ?? '',
      ...pod,
      container,
    }));
  });

const rolesOf = (profile: string): Found[] => podsOf(profile).filter(({ role }) => ROLES.includes(role));
const ofKind = <Spec>(profile: string, kind: string): Array<Omit<Manifest, 'spec'> & { spec: Spec }> =>
  manifests(profile).filter((manifest) => manifest.kind === kind) as never;

const selects = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describeChart('the manifests', () => {
  it.each(PROFILES)('of %s let no container do more than `restricted` does', (profile) => {
    const pods = podsOf(profile);
    expect(pods.length).toBeGreaterThan(4);
    for (const { name, spec, container } of pods) {
      expect([name, spec]).toEqual([
        name,
        expect.objectContaining({
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: expect.objectContaining({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }),
        }),
      ]);
      expect([name, container.securityContext]).toEqual([
        name,
        expect.objectContaining({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        }),
      ]);
      for (const user of [spec.securityContext.runAsUser, container.securityContext.runAsUser])
        expect(user).not.toBe(0);
      for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) expect(spec).not.toHaveProperty(field);
      for (const volume of spec.volumes ?? []) expect(volume).not.toHaveProperty('hostPath');
    }
  });

  it.each(PROFILES)('of %s ask for resources, and bound memory', (profile) => {
    for (const { name, container } of podsOf(profile)) {
      const { requests, limits } = container.resources;
      expect([name, { requests, limits }]).toEqual([
        name,
        { requests: { cpu: expect.any(String), memory: expect.any(String) }, limits: { memory: expect.any(String) } },
      ]);
    }
  });

  it.each(PROFILES)('of %s are about pods that are there, by labels that never change', (profile) => {
    const pods = podsOf(profile);
    const selectors = manifests(profile).flatMap((manifest) => {
      const spec = manifest.spec as Record<string, { matchLabels?: Record<string, string> } | undefined> | undefined;
      const selector = (spec?.selector?.matchLabels ?? spec?.selector ?? spec?.podSelector?.matchLabels) as
        Record<string, string> | undefined;
      return selector && manifest.kind !== 'ServiceMonitor'
        ? [{ name: `${manifest.kind} ${manifest.metadata.name}`, selector }]
        : [];
    });
    expect(selectors.length).toBeGreaterThan(9);
    // The dump's policy is there before there is a dump.
    const empty = selectors.filter(({ selector }) => !pods.some(({ labels }) => selects(selector, labels)));
    expect(empty.map(({ name }) => name).filter((name) => !name.endsWith('-backup'))).toEqual([]);
    for (const { selector } of selectors) {
      expect(
        Object.keys(selector).filter((label) => !/^(app\.kubernetes\.io\/(name|instance|component))$/.test(label)),
      ).toEqual([]);
    }
  });

  it.each(PROFILES)('of %s lead every Service to ports that its pods have', (profile) => {
    interface Service {
      selector: Record<string, string>;
      ports: Array<{ targetPort: string }>;
    }
    const services = ofKind<Service>(profile, 'Service');
    expect(services).toHaveLength(5);
    for (const { spec } of services) {
      const pods = rolesOf(profile).filter(({ labels }) => selects(spec.selector, labels));
      expect(pods).toHaveLength(1);
      for (const { targetPort } of spec.ports) {
        expect(pods[0]?.container.ports?.map(({ name }) => name)).toContain(targetPort);
      }
    }
  });

  it.each(PROFILES)('of %s have the ports that the code has by default', (profile) => {
    const http: Record<string, number[]> = { api: [ports.api], redirect: [ports.redirect], worker: [] };
    for (const { role, container } of rolesOf(profile)) {
      expect(container.ports?.map(({ containerPort }) => containerPort)).toEqual([...(http[role] ?? []), ports.ops]);
      const names = container.env?.map(({ name }) => name);
      for (const name of ['PORT', 'REDIRECT_PORT', 'OPS_PORT']) expect(names).not.toContain(name);
    }
  });

  it.each(PROFILES)('of %s tell the processes nothing that they would not understand', (profile) => {
    const known = new Set(environmentNames);
    const pods = podsOf(profile).filter(({ role }) => [...ROLES, 'migration'].includes(role));
    expect(pods).toHaveLength(4);
    for (const { role, container } of pods) {
      const env = container.env ?? [];
      expect([
        role,
        env.map(({ name }) => name).filter((name) => !known.has(name) && !name.startsWith('OTEL_')),
      ]).toEqual([role, []]);
      expect(new Set(env.map(({ name }) => name)).size).toBe(env.length);
      // The code itself takes them, with secrets of the shape that it wants.
      const variables = Object.fromEntries(env.map(({ name, value }) => [name, value ?? SECRETS[name]]));
      const settings = readSettings(variables, role === 'migration' ? 'migrate' : 'run');
      expect([...settings.roles]).toEqual(role === 'migration' ? ROLES : [role]);
    }
  });

  it.each(PROFILES)('of %s give each role the secrets that it needs, and no other', (profile) => {
    const secretsOf = (wanted: string): string[] =>
      podsOf(profile)
        .filter(({ role }) => role === wanted)
        .flatMap(({ container }) => container.env ?? [])
        .flatMap(({ valueFrom }) => valueFrom?.secretKeyRef.key ?? []);
    // Whoever reaches a redirecting pod has the resolver's two views, and not the tenants' tables.
    expect(secretsOf('redirect')).not.toContain('DATABASE_URL');
    for (const role of ROLES) expect(secretsOf(role)).not.toContain('DATABASE_OWNER_URL');
    for (const role of ['api', 'redirect']) expect(secretsOf(role)).not.toContain('DATABASE_INGEST_URL');
    for (const role of ['redirect', 'worker', 'migration']) expect(secretsOf(role)).not.toContain('TLS_ASK_KEY');
    expect(secretsOf('migration')).toEqual(expect.arrayContaining(['DATABASE_OWNER_URL', 'DATABASE_URL']));
    expect(secretsOf('migration').filter((key) => !key.startsWith('DATABASE_'))).toEqual([]);
    expect(secretsOf('smoke-test')).toEqual([]);
  });

  it('name no key of a Secret that the README does not tell of', () => {
    const readme = readFileSync(join(ROOT, 'helm/waypost/README.md'), 'utf8');
    const keys = PROFILES.flatMap((profile) => podsOf(profile))
      .flatMap(({ container }) => container.env ?? [])
      .flatMap(({ valueFrom }) => valueFrom?.secretKeyRef.key ?? []);
    expect(new Set(keys).size).toBe(11);
    for (const key of new Set(keys)) expect(readme).toContain(`\`secrets.keys.${key}\``);
  });

  it.each(PROFILES)('of %s end a process no sooner than it would end by itself', (profile) => {
    for (const { role, spec, container } of rolesOf(profile)) {
      const { lifecycle } = container as { lifecycle?: { preStop: { sleep: { seconds: number } } } };
      const slept = lifecycle?.preStop.sleep.seconds ?? 0;
      const grace = (spec.terminationGracePeriodSeconds ?? 0) - slept;
      expect([role, grace * 1000]).toEqual([role, STOP_DEADLINE_MS.cluster + 5_000]);
      const drain = Number(container.env?.find(({ name }) => name === 'DRAIN_SECONDS')?.value ?? 0);
      expect(drain * 1000).toBeLessThan(STOP_DEADLINE_MS.cluster);
    }
  });

  it.each(PROFILES)('of %s ask the ops port whether a process lives and is ready', (profile) => {
    for (const { container } of rolesOf(profile)) {
      const { startupProbe, livenessProbe, readinessProbe } = container as unknown as Record<string, Probe>;
      expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet)).toEqual([
        { path: '/livez', port: 'ops' },
        { path: '/livez', port: 'ops' },
        { path: '/readyz', port: 'ops' },
      ]);
      // A readiness check of ours has a deadline of one second, after which it says what is wrong.
      expect(readinessProbe?.timeoutSeconds).toBeGreaterThan(1);
    }
  });

  it.each(PROFILES)('of %s leave nothing to write to but the click spool', (profile) => {
    for (const { role, spec, container } of rolesOf(profile)) {
      const writable = (container.volumeMounts ?? []).filter(({ readOnly }) => readOnly !== true);
      expect([role, writable]).toEqual([role, role === 'redirect' ? [{ name: 'data', mountPath: '/data' }] : []]);
      if (role !== 'redirect') continue;
      expect(container.env).toContainEqual({ name: 'DATA_DIR', value: '/data' });
      const most = Number(container.env?.find(({ name }) => name === 'SPOOL_MAX_MB')?.value);
      const size = /(?:sizeLimit|storage)":"(\d+)Mi"/.exec(
        JSON.stringify([spec.volumes, ofKind(profile, 'StatefulSet')]),
      )?.[1];
      expect(Number(size)).toBeGreaterThan(most);
    }
  });

  it('leave a persistent spool’s claim as it is while clicks get more of it', () => {
    const claimsWith = (maxMb: number): unknown =>
      manifestsOf(rendered('volumes', { redirect: { spool: { maxMb, volumeMb: 9000 } } }))
        .filter(({ kind }) => kind === 'StatefulSet')
        .map(({ spec }) => (spec as Record<string, unknown>).volumeClaimTemplates);
    expect(claimsWith(7000)).toEqual(claimsWith(4096));
    expect(JSON.stringify(claimsWith(7000))).toContain('"storage":"9000Mi"');
  });

  it.each(PROFILES)('of %s let a node be drained, and pods be scaled by one hand alone', (profile) => {
    const budgets = ofKind<{ maxUnavailable: number }>(profile, 'PodDisruptionBudget');
    expect(budgets.map(({ spec }) => spec.maxUnavailable)).toEqual([1, 1, 1]);
    interface Scaled {
      spec: { scaleTargetRef: { kind: string; name: string } };
    }
    const scaled = [
      ...ofKind(profile, 'HorizontalPodAutoscaler'),
      ...ofKind(profile, 'ScaledObject'),
    ] as unknown as Scaled[];
    const targets = scaled.map(({ spec: { scaleTargetRef } }) => `${scaleTargetRef.kind} ${scaleTargetRef.name}`);
    const workloads = manifests(profile).filter(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind));
    for (const { kind, metadata, spec } of workloads) {
      const isScaled = targets.includes(`${kind} ${metadata.name}`);
      expect([metadata.name, 'replicas' in spec]).toEqual([metadata.name, !isScaled]);
    }
    expect(
      targets.filter((target) => !workloads.some(({ kind, metadata }) => target === `${kind} ${metadata.name}`)),
    ).toEqual([]);
  });

  it('migrate before the pods of a new version start, with a file that there is', () => {
    const [job] = ofKind<never>('minimal', 'Job');
    expect(job?.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
    const pod = podsOf('minimal').find(({ role }) => role === 'migration');
    const [, source] = /^dist\/(\w+)\.js$/.exec(pod?.container.args?.[0] ?? '') ?? [];
    expect(readFileSync(join(ROOT, `src/${source}.ts`), 'utf8')).toContain('migrate');
  });

  it('let nothing in or out of a pod but what they say', () => {
    interface Policy {
      podSelector: { matchLabels: Record<string, string> };
      ingress?: Array<{ ports: Array<{ port: number }> }>;
      egress?: Array<{ ports?: Array<{ port: number }> }>;
    }
    const policies = ofKind<Policy>('full', 'NetworkPolicy').map(({ spec }) => spec);
    const portsOf = (rules: Array<{ ports?: Array<{ port: number }> }> = []): unknown[] =>
      rules.flatMap((rule): unknown[] => rule.ports?.map(({ port }) => port) ?? ['any']);
    const of = (role: string): Policy[] =>
      policies.filter(({ podSelector }) => podSelector.matchLabels['app.kubernetes.io/component'] === role);
    const deny = policies.find(({ podSelector }) => !('app.kubernetes.io/component' in podSelector.matchLabels));
    expect(deny).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
    expect(deny).not.toHaveProperty('ingress');
    for (const { labels } of podsOf('full')) expect(selects(deny?.podSelector.matchLabels ?? {}, labels)).toBe(true);

    const flows = Object.fromEntries(
      [...ROLES, 'migration', 'backup', 'smoke-test'].map((role) => [
        role,
        of(role).map(({ ingress, egress }) => [portsOf(ingress), portsOf(egress)]),
      ]),
    );
    const [postgres, redis, dns, collector] = [[5432, 6432], [6379], [53, 53, 5353, 5353], [4318]];
    expect(flows).toEqual({
      api: [
        [
          [ports.api, ports.ops],
          [...dns, ...postgres, ...redis, 'any', ...collector],
        ],
      ],
      redirect: [
        [
          [ports.redirect, ports.ops],
          [...dns, ...postgres, ...redis, ...collector],
        ],
      ],
      worker: [[[ports.ops], [...dns, ...postgres, ...redis, ...collector]]],
      migration: [[[], [...dns, ...postgres, ...collector]]],
      backup: [[[], [...dns, ...postgres, ...collector]]],
      'smoke-test': [[[], [...dns, ports.api, ports.redirect, ports.ops, ...collector]]],
    });
  });

  it('have every listener of the Gateway meet its certificate', () => {
    interface Gateway {
      listeners: Array<{ hostname?: string; tls?: { certificateRefs: Array<{ name: string }> } }>;
    }
    const [gateway] = ofKind<Gateway>('full', 'Gateway');
    const certificates = ofKind<{ secretName: string; dnsNames: string[] }>('full', 'Certificate');
    const secured = gateway?.spec.listeners.filter(({ tls }) => tls) ?? [];
    expect(secured.map(({ hostname, tls }) => [hostname, tls?.certificateRefs[0]?.name])).toEqual(
      certificates.map(({ spec }) => [spec.dnsNames[0], spec.secretName]),
    );
    expect(secured).toHaveLength(3);
  });

  it('keep the certificates of hostnames apart that differ in a dot alone', () => {
    const hostnames = ['a-b.example.com', 'a.b.example.com', '*.b.example.com', 'any.b.example.com'];
    const secrets = manifestsOf(rendered('full', { redirect: { hostnames } }))
      .filter(({ kind }) => kind === 'Certificate')
      .map(({ spec }) => (spec as Record<string, unknown>).secretName);
    // And that of the API.
    expect(new Set(secrets).size).toBe(hostnames.length + 1);
  });

  it('carry every file of rules and every dashboard whole', () => {
    const rules = ofKind<{ groups: Array<{ rules: Array<{ alert?: string }> }> }>('full', 'PrometheusRule');
    expect(rules.flatMap(({ spec }) => spec.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)))).toContain(
      'WaypostClicksLost',
    );
    const files = readdirSync(join(ROOT, 'helm/waypost/alerts'));
    expect(rules).toHaveLength(files.length);
    const shipped = files.map((file) => parse(readFileSync(join(ROOT, 'helm/waypost/alerts', file), 'utf8')) as object);
    expect(rules.map(({ spec }) => spec)).toEqual(shipped);
    for (const { data = {} } of ofKind('full', 'ConfigMap')) {
      for (const [file, text] of Object.entries(data)) {
        expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(join(ROOT, 'helm/waypost/dashboards', file), 'utf8')));
      }
    }
  });
});

interface Probe {
  httpGet: { path: string; port: string };
  timeoutSeconds: number;
}

const url = (role: string): string => `postgres://waypost_${role}:secret@db.internal/waypost`;
const SECRETS: Record<string, string> = {
  DATABASE_URL: url('app'),
  DATABASE_INGEST_URL: url('ingest'),
  DATABASE_RESOLVER_URL: url('resolver'),
  DATABASE_OWNER_URL: url('owner'),
  DATABASE_REPLICA_URL: url('app'),
  REDIS_URL: 'redis://redis.internal',
  SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
  SECRET_KEY_PREVIOUS: Buffer.alloc(32, 2).toString('base64'),
  PLATFORM_KEY: 'p'.repeat(40),
  TLS_ASK_KEY: 't'.repeat(40),
};
