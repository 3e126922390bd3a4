import { mkdirSync, renameSync, statSync } from 'node:fs';
import { readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../platform/ids.js';
import type { FollowedLink, Visitor } from './click.js';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { SegmentWriter } from './segment-writer.js';

const SEGMENT = /\.segment$/;

/** Clicks of one segment; `id` is the name under which it is shipped. */
export interface Segment {
  id: string;
  bytes: number;
}

interface Options {
  /** Of this folder each process has one of its own. */
  parent: string;
  maxBytes: number;
  /** The key of a segment, by its id: 32 bytes. */
  keyOf: (segment: string) => Buffer;
}

/**
 * Clicks on disk until the queue has them: append-only segments in a folder of this process. What is written survives
 * the process, whatever ends it; the next process on the same parent folder takes it over, and no two do.
 */
export class Spool {
  private readonly folder: string;
  private readonly lock: FolderLock;
  private readonly sealed: Segment[] = [];
  private open: SegmentWriter | undefined;
  private bytes = 0;

  /** @throws when the folder can not be made or locked */
  constructor(private readonly options: Options) {
    [this.folder, this.lock] = newFolder(options.parent);
  }

  /** Bytes that wait here. */
  get size(): number {
    return this.bytes + (this.open ? this.open.bytes + this.open.pending : 0);
  }

  /** Clicks on disk in the segment that is being written. */
  get openClicks(): number {
    return this.open?.clicks ?? 0;
  }

  /** Takes a click for the next `flush`. @returns false when the spool is full */
  append(link: FollowedLink, visitor: Visitor, query: string): boolean {
    if (this.size >= this.options.maxBytes) return false;
    this.open ??= this.newSegment();
    this.open.append(link, visitor, query);
    return true;
  }

  /**
   * One write for all that was appended.
   *
   * @throws when the disk does not take it: those clicks are lost
   */
  flush(): void {
    try {
      this.open?.flush();
    } catch (error) {
      this.seal();
      throw error;
    }
  }

  /** Closes the segment being written: from now on it can be shipped. */
  seal(): void {
    if (!this.open) return;
    const { id, bytes } = this.open;
    const { open } = this;
    this.open = undefined;
    if (bytes === 0) return open.close();
    this.bytes += bytes;
    open.close();
    renameSync(this.pathOf(id, 'open'), this.pathOf(id, 'segment'));
    this.sealed.push({ id, bytes });
  }

  /** The oldest sealed segment. */
  next(): Segment | undefined {
    return this.sealed[0];
  }

  /** The segment's frames as they are: to open them is the worker's business. */
  read({ id }: Segment): Promise<Buffer> {
    return readFile(this.pathOf(id, 'segment'));
  }

  /** The queue has it. */
  async remove(segment: Segment): Promise<void> {
    await unlink(this.pathOf(segment.id, 'segment'));
    this.sealed.splice(this.sealed.indexOf(segment), 1);
    this.bytes -= segment.bytes;
  }

  /** Takes over what processes that are no more have left. @returns how many segments */
  async adopt(): Promise<number> {
    let adopted = 0;
    for (const name of await readdir(this.options.parent)) {
      const folder = join(this.options.parent, name);
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

  private newSegment(): SegmentWriter {
    const id = newId();
    return new SegmentWriter(id, this.pathOf(id, 'open'), this.options.keyOf(id));
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
