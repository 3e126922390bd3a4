import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const BUSY = 5;
const CANT_OPEN = 14;

export interface FolderLock {
  release(): void;
}

/**
 * Locks a folder for the life of this process. The lock is the operating system's (SQLite takes it on a file), so it
 * ends with the process, however that ends, and there is no age or process number to be mistaken about.
 *
 * @returns undefined when a living process has it, or the folder is gone
 */
export function lockFolder(folder: string): FolderLock | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, 'lock'));
    database.exec('BEGIN EXCLUSIVE');
    return { release: () => database?.close() };
  } catch (error) {
    database?.close();
    const { errcode } = error as { errcode?: number };
    if (errcode === BUSY || errcode === CANT_OPEN) return undefined;
    throw error;
  }
}
