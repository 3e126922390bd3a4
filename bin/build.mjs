import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare } from './prepare.mjs';
import { Failure, exitIfStopped, node, root, run, runAsCommand } from './project.mjs';

const dist = join(root, 'dist');
const stamp = join(dist, '.built'); // written last, so a build that was cut short is done again
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** Compiles src and migrations into dist, unless nothing has changed since that was last done. */
export async function build() {
  const inputs = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return;

  console.log('Building');
  // What a deleted source once became must not be found by a migration glob or an import.
  rmSync(dist, { recursive: true, force: true });
  const compilations = await Promise.all([compile('tsconfig.build.json'), compile('tsconfig.migrations.json')]);
  compilations.forEach(exitIfStopped);
  if (compilations.some(({ code }) => code !== 0)) {
    throw new Failure(compilations.map(({ output }) => output).join(''));
  }
  writeFileSync(stamp, inputs);
}

function compile(project) {
  return run(node, [compiler, '-p', project, '--pretty', String(process.stderr.isTTY === true)], { quiet: true });
}

function fingerprint() {
  const hash = createHash('sha256');
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.migrations.json', 'package-lock.json'];
  for (const path of [...settings, ...sourcesIn('src'), ...sourcesIn('migrations')]) {
    const { mtimeMs, size } = statSync(join(root, path));
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

function sourcesIn(directory) {
  return readdirSync(join(root, directory), { recursive: true })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
    .map((path) => join(directory, path))
    .sort();
}

await runAsCommand(import.meta.url, async () => {
  await prepare();
  await build();
});
