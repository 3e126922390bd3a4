import { constants } from 'node:fs';
import { access, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../../platform/config/config.js';
import { type Finding, finding } from './finding.js';

/** A redirecting process holds one for each visitor who keeps a connection open. */
const DESCRIPTORS = 4_096;

/** What the processes need of the machine: of the one that the doctor runs on. */
export async function checkMachine(config: Config): Promise<Finding[]> {
  return [
    ...(await checkDescriptors()),
    ...(await checkFile('GEO_DATABASE', config.geoDatabase ?? undefined)),
    ...(await checkFile('REPUTATION_FEED', config.reputationFeed)),
  ];
}

/** Whether clicks can wait where the redirect role is to keep them. */
export async function checkSpool({ dataDir, spoolBytes: most }: Config): Promise<Finding[]> {
  const spool = join(dataDir, 'spool');
  const folder = await nearest(resolve(spool));
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    return [
      finding(
        'spool_not_writable',
        `Clicks can not be kept in ${spool}: ${error instanceof Error ? error.message : String(error)}`,
        'Have DATA_DIR be a folder that the user of the process may write to',
      ),
    ];
  }
  const { bavail, bsize } = await statfs(folder);
  const room = bavail * bsize + (folder === resolve(spool) ? await bytesIn(folder) : 0);
  if (room >= most) return [];
  return [
    finding(
      'spool_space_low',
      `The disk of ${spool} has room for ${mb(room)} MB of clicks, and SPOOL_MAX_MB promises ${mb(most)}`,
      'Give it more room, or lower SPOOL_MAX_MB to what there is',
    ),
  ];
}

const mb = (bytes: number): number => Math.floor(bytes / 1024 / 1024);

/** The folder itself, or the one it would be made in. */
async function nearest(folder: string): Promise<string> {
  const there = await stat(folder).catch(() => undefined);
  return there || folder === dirname(folder) ? folder : nearest(dirname(folder));
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder);
  // A segment may be shipped and deleted while they are counted.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Where the system tells. Node raises the soft limit to the hard one by itself. */
async function checkDescriptors(): Promise<Finding[]> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, , hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  if (hard === undefined || hard === 'unlimited' || Number(hard) >= DESCRIPTORS) return [];
  return [
    finding(
      'file_descriptors_few',
      `A process may have ${hard} files and connections open`,
      `Raise the limit to ${DESCRIPTORS} or more (LimitNOFILE, ulimit -n)`,
    ),
  ];
}

async function checkFile(variable: string, path: string | undefined): Promise<Finding[]> {
  if (path === undefined) return [];
  try {
    await access(path, constants.R_OK);
    return [];
  } catch (error) {
    return [
      finding(
        'file_unreadable',
        `${variable} can not be read: ${error instanceof Error ? error.message : String(error)}`,
        'Put the file there, or leave the variable out',
      ),
    ];
  }
}
