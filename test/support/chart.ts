import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';

const CHART = join(import.meta.dirname, '../../helm/waypost');

/** Where `.ci/chart` puts what it installs, beside what the machine has. */
const HELM = ['helm', join(homedir(), '.cache/waypost-tools/bin/helm')].find(
  (file) => spawnSync(file, ['version'], { stdio: 'ignore' }).status === 0,
);

if (!HELM) {
  const missing = 'helm is not here: `.ci/chart tools` installs it';
  if (process.env.CHART_TOOLS === 'required') throw new Error(missing);
  process.stderr.write(`Skipped: the chart's manifests, for ${missing}\n`);
}

/** For what needs Helm. Where CHART_TOOLS is `required`, as in `.ci/run`, it has to be there. */
export const describeChart = HELM ? describe : describe.skip;

export interface PodSpec {
  containers: Container[];
  volumes?: Array<{ name: string; [kind: string]: unknown }>;
  securityContext: Record<string, unknown>;
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds?: number;
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: Array<{ name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }>;
  ports?: Array<{ name: string; containerPort: number }>;
  volumeMounts?: Array<{ name: string; mountPath: string; readOnly?: boolean }>;
  securityContext: Record<string, unknown>;
  resources: { requests?: Record<string, string>; limits?: Record<string, string> };
  [field: string]: unknown;
}

type Labels = Record<string, string>;

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Labels; annotations?: Labels };
  // The shape depends on the kind: each test says what it looks for.
  spec: Record<string, never>;
  data?: Record<string, string>;
}

/** Values files of the chart's own checks, without `.yaml`. */
export const PROFILES = readdirSync(join(CHART, 'ci')).map((file) => file.replace(/\.yaml$/, ''));

/** What Helm makes of values, as text. @throws with Helm's message, where it refuses them */
export function rendered(profile: string, values: object = {}): string {
  const options = ['template', 'test', CHART, '--namespace', 'links', '--values', join(CHART, `ci/${profile}.yaml`)];
  const input = JSON.stringify(values);
  return execFileSync(HELM ?? 'helm', [...options, '--values', '-'], { encoding: 'utf8', input, stdio: 'pipe' });
}

export const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** The pod that a manifest leads to, with its labels. */
export function podOf(manifest: Manifest): { spec: PodSpec; labels: Labels } | undefined {
  type Template = { metadata: { labels: Labels }; spec: PodSpec };
  const { kind, spec, metadata } = manifest as unknown as {
    kind: string;
    metadata: Manifest['metadata'];
    spec: PodSpec;
  };
  if (kind === 'Pod') return { spec, labels: metadata.labels };
  const job =
    kind === 'CronJob' ? (spec.jobTemplate as { spec: { template: Template } }).spec : (spec as PodSpec | undefined);
  const template = job?.template as Template | undefined; // A ConfigMap has no spec.
  return template?.spec?.containers && { spec: template.spec, labels: template.metadata.labels };
}

export const valuesFile = (): Record<string, unknown> =>
  parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Record<string, unknown>;

export const valuesSchema = (): Schema => JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as Schema;

export interface Schema {
  type?: string | string[];
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  oneOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
}
