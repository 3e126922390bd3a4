import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './waypost-process.js';

const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** The latest commit whose migrations are others than those of this checkout; or why there is none to be had. */
export function earlierSchema(): { commit: string } | { reason: string } {
  try {
    const commits = git('rev-list', '--first-parent', '--max-count=500', 'HEAD').split('\n');
    const commit = commits.find((one) => git('diff', '--name-only', one, '--', 'migrations') !== '');
    return commit ? { commit } : { reason: 'no commit in reach has other migrations (is this a shallow clone?)' };
  } catch (error) {
    return { reason: `there is no git history here (${String(error)})` };
  }
}

/** @returns its compiled code, on this checkout's dependencies */
export async function buildEarlier(commit: string, root: string): Promise<{ root: string; migrate: string }> {
  await mkdir(root, { recursive: true });
  const paths = [
    'src',
    'migrations',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'tsconfig.migrations.json',
  ];
  const archive = execFileSync('git', ['archive', commit, ...paths], { cwd: ROOT, maxBuffer: 2 ** 28 });
  execFileSync('tar', ['-x', '-C', root], { input: archive });
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  for (const project of ['tsconfig.build.json', 'tsconfig.migrations.json']) {
    execFileSync(process.execPath, [compiler, '-p', join(root, project)], { cwd: root });
  }
  // Before there was one program for all commands.
  const migrate = existsSync(join(root, 'dist/waypost.js')) ? 'dist/waypost.js migrate' : 'dist/migrate.js';
  return { root, migrate };
}
