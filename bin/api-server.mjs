import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KUBERNETES, moduleFolder } from './kubernetes-schemas.mjs';
import { Failure } from './project.mjs';

// A real Kubernetes API server with its etcd, and nothing that acts on what it is told: no controllers, no nodes.

const ETCD = 'go.etcd.io/etcd/server/v3@v3.7.3';
const tools = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'waypost-tools/bin');
const [, version = ''] = KUBERNETES.split('@v1.');
const server = join(tools, `kube-apiserver-1.${version}`);
const etcd = join(tools, `etcd-${ETCD.split('@')[1]}`);

export const isBuilt = () => existsSync(server) && existsSync(etcd);

/** Builds both from their Go modules, each in a project of a moment. */
export async function build() {
  await mkdir(tools, { recursive: true });
  if (!existsSync(etcd)) await compile(etcd, ETCD.split('@')[0], [`require ${ETCD.replace('@', ' ')}`]);
  if (!existsSync(server)) await compile(server, 'k8s.io/kubernetes/cmd/kube-apiserver', await requirements());
}

/** Kubernetes' own go.mod leads to folders beside it, which are modules of their own outside of its repository. */
async function requirements() {
  const project = await readFile(join(moduleFolder(KUBERNETES), 'go.mod'), 'utf8');
  const beside = [...project.matchAll(/^\t(k8s\.io\/[a-z-]+) => \.\/staging\//gm)].map(([, name]) => name);
  return [
    'godebug default=go1.26',
    `require ${KUBERNETES.replace('@', ' ')}`,
    ...beside.map((name) => `replace ${name} => ${name} v0.${version}`),
  ];
}

async function compile(to, command, lines) {
  const folder = await mkdtemp(join(tmpdir(), 'waypost-build-'));
  try {
    const since = Date.now();
    await writeFile(join(folder, 'go.mod'), ['module scratch', 'go 1.26.0', ...lines, ''].join('\n'));
    // Helm asks a server for its version, which the project's own build writes into it.
    const versions = [`gitVersion=v1.${version}`, 'gitMajor=1', `gitMinor=${version.split('.')[0]}`];
    const variables = versions.map((assignment) => `-X k8s.io/component-base/version.${assignment}`);
    const flags = ['-s', '-w', ...variables].join(' ');
    const options = ['-mod=mod', '-trimpath', '-buildvcs=false', `-ldflags=${flags}`, '-o', `${to}.unfinished`];
    const env = { ...process.env, GOFLAGS: '', GOWORK: 'off' };
    execFileSync('go', ['build', ...options, command], { cwd: folder, env, stdio: ['ignore', 'inherit', 'pipe'] });
    await rename(`${to}.unfinished`, to);
    console.log(`Built ${command} in ${Math.round((Date.now() - since) / 1000)} s`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts both on the loopback. `kubeconfig` is for Helm; `ask` speaks to the API as an administrator. */
export async function start() {
  const home = await mkdtemp(join(tmpdir(), 'waypost-kubernetes-'));
  const [port, client, peer] = await Promise.all([freePort(), freePort(), freePort()]);
  const token = randomBytes(24).toString('hex');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = join(home, 'service-accounts.pem');
  await writeFile(key, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  await writeFile(join(home, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const url = (number) => `http://127.0.0.1:${number}`;
  const store = run(etcd, [
    ['data-dir', join(home, 'etcd')],
    ['listen-client-urls', url(client)],
    ['advertise-client-urls', url(client)],
    ['listen-peer-urls', url(peer)],
    ['initial-advertise-peer-urls', url(peer)],
    ['initial-cluster', `default=${url(peer)}`],
  ]);
  const api = run(server, [
    ['etcd-servers', url(client)],
    ['bind-address', '127.0.0.1'],
    // Its own address stands in no list of endpoints: the loopback could not.
    ['endpoint-reconciler-type', 'none'],
    ['secure-port', port],
    ['cert-dir', join(home, 'certificates')],
    ['token-auth-file', join(home, 'tokens.csv')],
    ['authorization-mode', 'RBAC'],
    ['service-account-issuer', 'https://kubernetes.default.svc'],
    ['service-account-key-file', key],
    ['service-account-signing-key-file', key],
    ['service-cluster-ip-range', '10.96.0.0/16'],
    // A controller would make each namespace's account, and there is none.
    ['disable-admission-plugins', 'ServiceAccount'],
  ]);
  const kubeconfig = join(home, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(configOf(`https://127.0.0.1:${port}`, token)), { mode: 0o600 });
  const stop = async () => {
    await api.end();
    await store.end();
    await rm(home, { recursive: true, force: true });
  };
  const ask = asker(port, token, join(home, 'certificates/apiserver.crt'));
  try {
    await ready(ask, [store, api]);
    return { kubeconfig, ask, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function run(file, options) {
  const child = spawn(
    file,
    options.map(([name, value]) => `--${name}=${value}`),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (output = (output + chunk).slice(-8_000)));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const end = async () => {
    // At once: nothing of it is kept.
    child.kill('SIGKILL');
    await exited;
  };
  return { child, end, output: () => output };
}

async function ready(ask, processes) {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(200)) {
    for (const { child, output } of processes) {
      if (child.exitCode !== null) throw new Failure(`${child.spawnfile} ended with ${child.exitCode}:\n${output()}`);
    }
    const answer = await ask('GET', '/readyz').catch(() => undefined);
    // Namespaces are made by the server itself, a moment after it says that it is ready.
    if (answer?.status === 200 && (await ask('GET', '/api/v1/namespaces/default')).status === 200) return;
  }
  throw new Failure(`The API server did not get ready:\n${processes.map(({ output }) => output()).join('\n')}`);
}

/** Node's fetch takes no certificate of one's own. */
function asker(port, token, certificate) {
  return async (method, path, body, type = 'application/json') => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type };
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers,
      ca: await readFile(certificate),
      timeout: 30_000,
    };
    const asked = request(options).end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(asked, 'response');
    const text = Buffer.concat(await response.toArray()).toString();
    return { status: response.statusCode, body: text.startsWith('{') ? JSON.parse(text) : text };
  };
}

function configOf(address, token) {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'own',
    clusters: [{ name: 'own', cluster: { server: address, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'own', user: { token } }],
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
  };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const listener = createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
    listener.once('error', reject);
  });
}
