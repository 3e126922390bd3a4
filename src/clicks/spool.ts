import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../platform/ids.js';
import type { Click } from './click.js';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { encodeClick } from './spool-format.js';

const SEGMENT = /\.segment$/;

/** Clicks of one segment; `id` is the name under which it is shipped. */
export interface Segment {
  id: string;
  bytes: number;
}

/**
 * Clicks on disk until the queue has them: append-only segments in a folder of this process. What is written survives
 * the process, whatever ends it; the next process on the same parent folder takes it over, and no two do.
 */
export class Spool {
  private readonly folder: string;
  private readonly lock: FolderLock;
  private readonly sealed: Segment[] = [];
  private pending = '';
  private open: (Segment & { fd: number; clicks: number }) | undefined;
  private bytes = 0;

  /** @throws when the folder can not be made or locked */
  constructor(
    private readonly parent: string,
    private readonly maxBytes: number,
  ) {
    [this.folder, this.lock] = newFolder(parent);
  }

  /** Bytes that wait here. */
  get size(): number {
    return this.bytes + this.pending.length;
  }

  /** Clicks in the segment that is being written. */
  get openClicks(): number {
    return this.open?.clicks ?? 0;
  }

  /** Takes a click for the next `flush`. @returns false when the spool is full */
  append(click: Click): boolean {
    if (this.size >= this.maxBytes) return false;
    this.pending += encodeClick(click);
    return true;
  }

  /**
   * One write for all that was appended.
   *
   * @throws when the disk does not take it: those clicks are lost, and a half written line ends its segment
   */
  flush(clicks: number): void {
    if (this.pending === '') return;
    const lines = Buffer.from(this.pending);
    this.pending = '';
    try {
      this.open ??= this.openSegment();
      const written = writeSync(this.open.fd, lines);
      this.open.bytes += written;
      this.bytes += written;
      if (written < lines.length) throw new Error(`The disk took ${written} of ${lines.length} bytes`);
      this.open.clicks += clicks;
    } catch (error) {
      this.seal();
      throw error;
    }
  }

  /** Closes the segment being written: from now on it can be shipped. */
  seal(): void {
    if (!this.open) return;
    const { fd, id, bytes } = this.open;
    this.open = undefined;
    closeSync(fd);
    renameSync(this.pathOf(id, 'open'), this.pathOf(id, 'segment'));
    this.sealed.push({ id, bytes });
  }

  /** The oldest sealed segment. */
  next(): Segment | undefined {
    return this.sealed[0];
  }

  /** The segment's lines as they are: to read them is the worker's business. */
  read({ id }: Segment): Promise<string> {
    return readFile(this.pathOf(id, 'segment'), 'utf8');
  }

  /** The queue has it. */
  async remove(segment: Segment): Promise<void> {
    await rm(this.pathOf(segment.id, 'segment'), { force: true });
    this.sealed.splice(this.sealed.indexOf(segment), 1);
    this.bytes -= segment.bytes;
  }

  /** Takes over what processes that are no more have left. @returns how many segments */
  async adopt(): Promise<number> {
    let adopted = 0;
    for (const name of await readdir(this.parent)) {
      const folder = join(this.parent, name);
      const lock = folder === this.folder ? undefined : lockFolder(folder);
      if (!lock) continue;
      try {
        adopted += await this.moveHere(folder);
        await rm(folder, { recursive: true, force: true });
      } finally {
        lock.release();
      }
    }
    return adopted;
  }

  close(): void {
    this.seal();
    this.lock.release();
  }

  private async moveHere(folder: string): Promise<number> {
    const files = (await readdir(folder)).filter((name) => SEGMENT.test(name) || name.endsWith('.open'));
    for (const file of files.toSorted()) {
      const id = file.slice(0, file.lastIndexOf('.'));
      const { size } = statSync(join(folder, file));
      await rename(join(folder, file), this.pathOf(id, 'segment'));
      this.sealed.push({ id, bytes: size });
      this.bytes += size;
    }
    return files.length;
  }

  private openSegment(): Segment & { fd: number; clicks: number } {
    const id = newId();
    const fd = openSync(this.pathOf(id, 'open'), 'ax', 0o600);
    return { id, fd, bytes: fstatSync(fd).size, clicks: 0 };
  }

  private pathOf(id: string, state: 'open' | 'segment'): string {
    return join(this.folder, `${id}.${state}`);
  }
}

/** A folder nobody else has. One that adopts may be quicker to lock a new, empty folder, and clear it away. */
function newFolder(parent: string): [string, FolderLock] {
  for (;;) {
    const folder = join(parent, newId());
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = lockFolder(folder);
    if (lock) return [folder, lock];
  }
}
