import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { build, isBuilt, start } from './api-server.mjs';
import { customResources } from './kubernetes-schemas.mjs';
import { Failure, root, runAsCommand } from './project.mjs';

// Installs the chart into a real API server, upgrades it, takes it back, tests and uninstalls it. What is checked is that
// Kubernetes takes every object, by its own rules and those of the custom resources, and that Helm can change one version
// into another. Nothing runs there: in place of controllers and nodes, this finishes the chart's Jobs and test pods, and it
// asks the server whether it would take each role's pod, which is where Pod Security is enforced.

const run = promisify(execFile);
const chart = join(root, 'helm/waypost');
const NAMESPACE = 'waypost';

await runAsCommand(import.meta.url, async () => {
  if (!isBuilt()) {
    // Five minutes on two cores: not for every run of a machine that keeps nothing.
    if (process.env.KUBERNETES_API_SERVER !== 'build') {
      console.log(
        'Skipped: no installation, for no API server is built here. KUBERNETES_API_SERVER=build does so (minutes)',
      );
      return 0;
    }
    await build();
  }
  const server = await start();
  const helm = helmOn(server.kubeconfig);
  let over = false;
  const finishing = finishWhatRuns(server.ask, () => over);
  try {
    await prepare(server.ask);
    await everyStep(server.ask, helm);
  } finally {
    over = true;
    await finishing;
    await server.stop();
  }
  return 0;
});

async function everyStep(ask, helm) {
  const values = (profile) => ['--values', join(chart, `ci/${profile}.yaml`)];
  const releases = `/api/v1/namespaces/${NAMESPACE}/secrets?labelSelector=owner%3Dhelm`;
  const step = async (what, ...args) => {
    const since = performance.now();
    const { stdout } = await helm(...args);
    console.log(`helm ${what}: ${Math.round(performance.now() - since)} ms`);
    return stdout;
  };
  for (const profile of ['minimal', 'ingress', 'external-secrets', 'volumes', 'full']) {
    await step(`install (${profile})`, 'install', 'waypost', chart, ...values(profile));
    await podsAreTaken(ask);
    await step('test', 'test', 'waypost');
    await step('upgrade', 'upgrade', 'waypost', chart, ...values(profile), '--set', 'env.LOG_LEVEL=error');
    expect('the changed variable', (await apiEnv(ask)).LOG_LEVEL, 'error');
    await step('rollback', 'rollback', 'waypost', '1');
    expect('the variable of before', (await apiEnv(ask)).LOG_LEVEL, profile === 'full' ? 'warn' : undefined);
    await step('uninstall', 'uninstall', 'waypost');
    expect('releases that are left', (await ask('GET', releases)).body.items.length, 0);
    expect('deployments that are left', (await ask('GET', workloads('deployments'))).body.items.length, 0);
    await clearKept(ask);
  }
  await step('install, then another shape', 'install', 'waypost', chart, ...values('minimal'));
  await step('upgrade to everything', 'upgrade', 'waypost', chart, ...values('full'));
  await step('upgrade to volumes', 'upgrade', 'waypost', chart, ...values('volumes'));
  await step('rollback to the first', 'rollback', 'waypost', '1');
  await step('uninstall', 'uninstall', 'waypost');
}

function workloads(kind) {
  return `/apis/apps/v1/namespaces/${NAMESPACE}/${kind}`;
}

function expect(what, found, wanted) {
  if (found !== wanted) throw new Failure(`${what}: ${found}, and not ${wanted}`);
}

async function apiEnv(ask) {
  const { body } = await ask('GET', `${workloads('deployments')}/waypost-api`);
  const [container] = body.spec.template.spec.containers;
  return Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
}

/** What Helm leaves on purpose, and the hooks. */
async function clearKept(ask) {
  for (const path of [
    `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims`,
    `/apis/external-secrets.io/v1/namespaces/${NAMESPACE}/externalsecrets`,
  ]) {
    await done(ask('DELETE', path), `DELETE ${path}`);
  }
}

/** The namespace refuses every pod that is not `restricted`; the custom resources are those of their projects. */
async function prepare(ask) {
  const enforce = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const apply = (path, body) =>
    done(ask('PATCH', `${path}?fieldManager=test&force=true`, body, 'application/apply-patch+yaml'), path);
  await apply(`/api/v1/namespaces/${NAMESPACE}`, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: enforce },
  });
  await apply('/apis/scheduling.k8s.io/v1/priorityclasses/important', {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'important' },
    value: 1000,
  });
  for (const { metadata, status: _status, ...definition } of await customResources()) {
    const { name, annotations } = metadata;
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
    await apply(path, { ...definition, metadata: { name, annotations } });
    for (const end = Date.now() + 30_000; ; await sleep(100)) {
      const { status } = (await ask('GET', path)).body;
      if (status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) break;
      if (Date.now() > end) throw new Failure(`${name} was not established`);
    }
  }
}

/** A Deployment is taken whatever its pods are: only a pod shows whether the rules for pods let it through. */
async function podsAreTaken(ask) {
  const found = [];
  for (const path of [
    workloads('deployments'),
    workloads('statefulsets'),
    `/apis/batch/v1/namespaces/${NAMESPACE}/cronjobs`,
  ]) {
    for (const { metadata, spec } of (await ask('GET', path)).body.items) {
      const { template, volumeClaimTemplates = [] } = spec.jobTemplate?.spec ?? spec;
      // As its controller would write them into the pod.
      const claims = volumeClaimTemplates.map(({ metadata: { name } }) => ({
        name,
        persistentVolumeClaim: { claimName: `${name}-0` },
      }));
      const volumes = [...(template.spec.volumes ?? []), ...claims];
      const named = { ...template.metadata, name: metadata.name };
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: named, spec: { ...template.spec, volumes } };
      await done(
        ask('POST', `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All&fieldValidation=Strict`, pod),
        metadata.name,
      );
      found.push(metadata.name);
    }
  }
  if (found.length < 3) throw new Failure(`Only ${found.length} pods were asked about`);
  const spec = { hostPID: true, containers: [{ name: 'bad', image: 'x' }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bad' }, spec };
  const { status } = await ask('POST', `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`, pod);
  if (status !== 403)
    throw new Failure(`A pod that sees the node was answered with ${status}: nothing is enforced here`);
  console.log(`pods that Pod Security lets through: ${found.join(', ')}`);
}

/** In place of the controllers and the nodes: each Job has completed, each pod of a test has succeeded. */
async function finishWhatRuns(ask, over) {
  const now = () => `${new Date().toISOString().slice(0, 19)}Z`;
  while (!over()) {
    const jobs = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
    const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
    for (const { metadata, status } of (await ask('GET', jobs)).body.items ?? []) {
      if (status.completionTime) continue;
      const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: now(),
      }));
      const done = { startTime: metadata.creationTimestamp, completionTime: now(), succeeded: 1, conditions };
      await ask('PATCH', `${jobs}/${metadata.name}/status`, { status: done }, 'application/merge-patch+json');
    }
    for (const { metadata, status } of (await ask('GET', pods)).body.items ?? []) {
      if (status.phase === 'Succeeded') continue;
      await ask(
        'PATCH',
        `${pods}/${metadata.name}/status`,
        { status: { phase: 'Succeeded' } },
        'application/merge-patch+json',
      );
    }
    await sleep(100);
  }
}

async function done(answer, what) {
  const { status, body } = await answer;
  if (status >= 300) throw new Failure(`${what}: ${status} ${body.message ?? body}`);
  return body;
}

function helmOn(kubeconfig) {
  return async (...args) => {
    const options = ['--kubeconfig', kubeconfig, '--namespace', NAMESPACE];
    try {
      return await run('helm', [...args, ...options], { cwd: root });
    } catch (error) {
      throw new Failure(`helm ${args[0]} failed:\n${error.stderr}${error.stdout}`);
    }
  };
}
