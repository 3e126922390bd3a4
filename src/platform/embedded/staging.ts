import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ServerAccount } from './server-account.js';

const SYSTEM_DIRECTORY = '/var/lib/waypost';
const STAGING = /^postgres\.new-(\d+)-\w+$/;

const ours = new Set<string>();

/**
 * A directory (0700) to build something in before one rename puts it in its place, so that a crash half-way leaves
 * nothing that looks finished. It carries the pid of its maker: what a dead maker left behind is removed here.
 */
export async function createStaging(parent: string): Promise<string> {
  for (const name of await readdir(parent)) {
    if (isLeftover(name)) await rm(join(parent, name), { recursive: true, force: true });
  }
  const directory = await mkdtemp(join(parent, `postgres.new-${process.pid}-`));
  ours.add(basename(directory));
  return directory;
}

function isLeftover(name: string): boolean {
  const pid = Number(STAGING.exec(name)?.[1] ?? Number.NaN);
  if (Number.isNaN(pid)) return false;
  // In a container every start has the same pid.
  return pid === process.pid ? !ours.has(name) : !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Where the server's account finds what it cannot reach in the checkout or in the data directory. */
export async function openSystemDirectory(account: ServerAccount): Promise<string> {
  const created = await mkdir(SYSTEM_DIRECTORY, { recursive: true });
  if (created !== undefined) await chmod(SYSTEM_DIRECTORY, 0o755); // whatever the umask
  const obstacle = await account.whyCannot('enter', SYSTEM_DIRECTORY);
  if (obstacle !== undefined) {
    throw new Error(
      `The account that runs PostgreSQL cannot use ${SYSTEM_DIRECTORY} (${obstacle}): open it (chmod 755), move the data ` +
        'directory and the checkout out of closed directories, or start Waypost as another user.',
    );
  }
  return SYSTEM_DIRECTORY;
}
