import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { newId, timeOfId } from '../platform/ids.js';
import { clicksIn } from './clicks-in.js';
import type { FollowedLink, Visitor } from './click.js';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { SegmentWriter } from './segment-writer.js';

const SEGMENT = /\.segment$/;
/** Attempts at a folder: one that adopts may be quicker to lock a new, empty one, though not time and again. */
const ATTEMPTS = 5;

/** Clicks of one segment; `id` is the name under which it is shipped. */
export interface Segment {
  id: string;
  bytes: number;
  /** The spool that wrote it, and which of that spool's it is; not known of one that an earlier version wrote. */
  spool?: string | undefined;
  number?: number | undefined;
  /** How many; not known of one that was not closed, and of one that an earlier version wrote. */
  clicks?: number | undefined;
  /** Of its file, without the state. */
  name: string;
}

/**
 * A segment's file is called by its id, the spool that wrote it, its number there, and once it is closed how many clicks
 * it has, so that these outlive spool and process.
 */
export function segmentOf(name: string, bytes: number): Segment {
  const [id = '', spool, number, clicks] = name.split('.');
  return {
    id,
    name,
    bytes,
    ...(number !== undefined && { spool, number: Number(number) }),
    ...(clicks !== undefined && { clicks: Number(clicks) }),
  };
}

interface Options {
  /** Of this folder each process has one of its own. */
  parent: string;
  maxBytes: number;
  /** The key of a segment, by its id: 32 bytes. */
  keyOf: (segment: string) => Buffer;
  /** With those of before, under which a process that is no more may have written. */
  keysOf: (segment: string) => Buffer[];
}

/** A spool's own folder, which nobody else has. */
interface Home {
  folder: string;
  lock: FolderLock;
}

/**
 * Clicks on disk until the queue has them: append-only segments in a folder of this process. What is written survives
 * the process, whatever ends it; the next process on the same parent folder takes it over, and no two do.
 */
export class Spool {
  private home: Home | undefined;
  private readonly sealed: Segment[] = [];
  private open: SegmentWriter | undefined;
  private written = 0;
  private bytes = 0;
  /** What was taken over. */
  readonly adopted = { segments: 0, clicks: 0 };

  constructor(private readonly options: Options) {}

  /** To be called until it does not throw: before that, no click is taken. @throws when it can not be made or locked */
  makeFolder(): void {
    this.home ??= newHome(this.options.parent);
  }

  get hasFolder(): boolean {
    return this.home !== undefined;
  }

  /** Bytes that wait here. */
  get size(): number {
    return this.bytes + (this.open ? this.open.bytes + this.open.pending : 0);
  }

  /** Clicks on disk. */
  get clicks(): number {
    return this.sealed.reduce((sum, { clicks = 0 }) => sum + clicks, this.openClicks);
  }

  /** Clicks on disk in the segment that is being written. */
  get openClicks(): number {
    return this.open?.clicks ?? 0;
  }

  /** Of the segment that is being written. */
  get openId(): string | undefined {
    return this.open?.id;
  }

  /** When the oldest of what waits here was begun, in ms since 1970. */
  get oldest(): number | undefined {
    // The first need not be the oldest: others were taken over, or put behind it.
    const [id = this.open?.id] = this.sealed.map((segment) => segment.id).toSorted();
    return id === undefined ? undefined : timeOfId(id).getTime();
  }

  /**
   * Takes a click for the next `flush`.
   *
   * @param trace its W3C traceparent, if it is traced
   * @returns false when the spool is full, or has no folder
   */
  append(link: FollowedLink, visitor: Visitor, query: string, trace?: string): boolean {
    if (this.home === undefined || this.size >= this.options.maxBytes) return false;
    this.open ??= this.newSegment();
    this.open.append(link, visitor, query, trace);
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
    const { id, bytes, clicks } = this.open;
    const { open } = this;
    const [was, name] = [this.nameOf(id), `${this.nameOf(id)}.${clicks}`];
    this.open = undefined;
    if (bytes === 0) return open.close();
    this.written++;
    this.bytes += bytes;
    open.close();
    renameSync(this.pathOf(was, 'open'), this.pathOf(name, 'segment'));
    this.sealed.push(segmentOf(name, bytes));
  }

  /** The sealed segment whose turn it is. */
  next(): Segment | undefined {
    return this.sealed[0];
  }

  /** Puts a segment behind all others. */
  postpone(segment: Segment): void {
    this.sealed.push(...this.sealed.splice(this.sealed.indexOf(segment), 1));
  }

  /** The segment's frames as they are: to open them is the worker's business. */
  read({ name }: Segment): Promise<Buffer> {
    return readFile(this.pathOf(name, 'segment'));
  }

  /** The queue has it. */
  async remove(segment: Segment): Promise<void> {
    await unlink(this.pathOf(segment.name, 'segment'));
    this.sealed.splice(this.sealed.indexOf(segment), 1);
    this.bytes -= segment.bytes;
  }

  /** Takes over what processes that are no more have left. @param failed hears of each folder that could not be had */
  async adopt(failed: (error: unknown) => void): Promise<void> {
    if (!this.home) return;
    for (const name of await readdir(this.options.parent)) {
      const folder = join(this.options.parent, name);
      try {
        if (folder !== this.folder) await this.adoptFolder(folder);
      } catch (error) {
        if (!isTaken(error)) failed(error);
      }
    }
  }

  close(): void {
    this.seal();
    this.home?.lock.release();
  }

  private async adoptFolder(folder: string): Promise<void> {
    const lock = lockFolder(folder);
    if (!lock) return;
    try {
      await this.moveHere(folder);
      await rm(folder, { recursive: true, force: true });
    } finally {
      lock.release();
    }
  }

  private async moveHere(folder: string): Promise<void> {
    const files = (await readdir(folder)).filter((name) => SEGMENT.test(name) || name.endsWith('.open'));
    for (const file of files.toSorted()) {
      const name = file.slice(0, file.lastIndexOf('.'));
      const { size } = statSync(join(folder, file));
      await rename(join(folder, file), this.pathOf(name, 'segment'));
      const segment = await this.counted(segmentOf(name, size));
      this.sealed.push(segment);
      this.adopted.segments++;
      this.adopted.clicks += segment.clicks ?? 0;
      this.bytes += size;
    }
  }

  /** What was being written when its process ended has no number of clicks in its name. */
  private async counted(segment: Segment): Promise<Segment> {
    if (segment.clicks !== undefined) return segment;
    // One that can not be read now is ours all the same: it is read again when it is sent.
    const bytes = await this.read(segment).catch(() => undefined);
    return { ...segment, clicks: bytes && clicksIn(segment.id, bytes, this.options.keysOf(segment.id)) };
  }

  private newSegment(): SegmentWriter {
    const id = newId();
    return new SegmentWriter(id, this.pathOf(this.nameOf(id), 'open'), this.options.keyOf(id));
  }

  private get folder(): string {
    if (!this.home) throw new Error('The spool has no folder');
    return this.home.folder;
  }

  private nameOf(id: string): string {
    return `${id}.${basename(this.folder)}.${this.written}`;
  }

  private pathOf(name: string, state: 'open' | 'segment'): string {
    return join(this.folder, `${name}.${state}`);
  }
}

/** Another process was quicker, and has taken what was there. */
const isTaken = (error: unknown): boolean =>
  ['ENOENT', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '');

function newHome(parent: string): Home {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const folder = join(parent, newId());
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = lockNewFolder(folder);
    if (lock) return { folder, lock };
  }
  throw new Error(`No folder could be locked in ${parent}`);
}

/** What can not be locked does not stay: on a full disk, there is an attempt twice a second. */
function lockNewFolder(folder: string): FolderLock | undefined {
  let lock: FolderLock | undefined;
  try {
    lock = lockFolder(folder);
    return lock;
  } finally {
    if (!lock) rmSync(folder, { recursive: true, force: true });
  }
}
