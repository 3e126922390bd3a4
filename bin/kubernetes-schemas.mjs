import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { Failure, runAsCommand } from './project.mjs';

// Writes JSON schemas for kubeconform into a folder: Kubernetes' own, from the OpenAPI document in its Go module, and those of
// the custom resources that the chart can make, from their projects' modules. Strict: a field that is not known is a fault.

/** Where definitions come from, by Go module. Those of a newer Gateway API want a newer Go. */
export const KUBERNETES = 'k8s.io/kubernetes@v1.37.2';
const CRDS = {
  'sigs.k8s.io/gateway-api@v1.6.3': ['config/crd/standard', /_(gateways|httproutes|gatewayclasses)\.yaml$/],
  'github.com/kedacore/keda/v2@v2.21.0': ['config/crd/bases', /_scaledobjects\.yaml$/],
  'github.com/prometheus-operator/prometheus-operator@v0.85.0': [
    'example/prometheus-operator-crd',
    /_(servicemonitors|prometheusrules)\.yaml$/,
  ],
  'github.com/cert-manager/cert-manager@v1.21.2': ['deploy/crds', /_certificates\.yaml$/],
  'github.com/external-secrets/external-secrets@v1.3.2': ['config/crds/bases', /io_externalsecrets\.yaml$/],
};

await runAsCommand(import.meta.url, async () => {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new Failure('Use: node bin/kubernetes-schemas.mjs <folder>');
  // All or nothing: a folder that is there is whole.
  if (existsSync(folder)) return 0;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const schemas = [...(await kubernetesSchemas()), ...(await customResources()).flatMap(schemasOf)];
  for (const { name, schema } of schemas) await writeFile(join(unfinished, `${name}.json`), JSON.stringify(schema));
  await rename(unfinished, folder);
  console.log(`${schemas.length} schemas`);
  return 0;
});

/** The folder that Go's module cache keeps a module in; it is fetched if need be. */
export function moduleFolder(module) {
  const output = execFileSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8', env: ownGo() });
  return JSON.parse(output).Dir;
}

/** A project's go.mod must not be asked for what stands in no project's. */
function ownGo() {
  return { ...process.env, GOFLAGS: '-mod=mod', GOWORK: 'off' };
}

/** The definitions (CustomResourceDefinition) of what the chart can make. */
export async function customResources() {
  const found = [];
  for (const [module, [folder, wanted]] of Object.entries(CRDS)) {
    const path = join(moduleFolder(module), folder);
    for (const name of (await readdir(path)).filter((file) => wanted.test(file))) {
      const documents = parseAllDocuments(await readFile(join(path, name), 'utf8'));
      found.push(
        ...documents.map((document) => document.toJS()).filter((one) => one?.kind === 'CustomResourceDefinition'),
      );
    }
  }
  return found;
}

async function kubernetesSchemas() {
  const path = join(moduleFolder(KUBERNETES), 'api/openapi-spec/swagger.json');
  const { definitions } = JSON.parse(await readFile(path, 'utf8'));
  const strict = Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [name, strictly(schema)]));
  return Object.entries(definitions).flatMap(([name, schema]) =>
    (schema['x-kubernetes-group-version-kind'] ?? [])
      .filter(({ kind }) => schema.properties?.kind !== undefined && kind !== 'DeleteOptions')
      .map(({ group, version, kind }) => ({
        name: fileOf(group, version, kind),
        schema: { ...strict[name], definitions: reachable(strict, name) },
      })),
  );
}

function schemasOf({ spec: { group, names, versions } }) {
  return versions.map(({ name, schema }) => {
    const strict = strictly(schema.openAPIV3Schema);
    const own = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };
    return {
      name: fileOf(group, name, names.kind),
      schema: { ...strict, properties: { ...strict.properties, ...own } },
    };
  });
}

/** As kubeconform asks for it: `{{ .ResourceKind }}{{ .KindSuffix }}`. */
function fileOf(group, version, kind) {
  const parts = [kind, group.split('.')[0], version];
  return parts
    .filter((part) => part !== '')
    .join('-')
    .toLowerCase();
}

/** JSON schema has no numbers that may be texts, and takes fields that nobody knows. */
function strictly(schema) {
  if (Array.isArray(schema)) return schema.map(strictly);
  if (schema === null || typeof schema !== 'object') return schema;
  if (schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string') {
    return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
  }
  const changed = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strictly(value)]));
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties !== undefined;
  // A property may have the name `properties`: then it is a schema, and has a type.
  if (typeof schema.properties === 'object' && !open && schema.type === 'object') changed.additionalProperties = false;
  return changed;
}

/** What a definition leads to, by name. Quantities may be numbers. */
function reachable(definitions, start) {
  const found = new Map();
  const waiting = [start];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    for (const [, next] of JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) {
      if (found.has(next)) continue;
      found.set(next, next.endsWith('.Quantity') ? { type: ['string', 'number'] } : definitions[next]);
      waiting.push(next);
    }
  }
  return Object.fromEntries(found);
}
