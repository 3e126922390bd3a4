import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { FrameSealer } from '../platform/secrets/sealed-frames.js';
import type { FollowedLink, Visitor } from './click.js';
import { ClickEncoder } from './spool-format.js';

/** A segment that is being written: each `flush` is one write, and a frame of its own. */
export class SegmentWriter {
  private readonly encoder = new ClickEncoder();
  private readonly sealer: FrameSealer;
  private file: number | undefined;
  private added = 0;
  /** Clicks and bytes on disk. */
  clicks = 0;
  bytes = 0;

  /** @param path of a file that is made with the first write */
  constructor(
    readonly id: string,
    private readonly path: string,
    key: Buffer,
  ) {
    this.sealer = new FrameSealer(key);
  }

  /** Bytes that wait for `flush`. */
  get pending(): number {
    return this.encoder.length;
  }

  append(link: FollowedLink, visitor: Visitor, query: string, trace?: string): void {
    if (this.added++ === 0) this.encoder.begin(Date.now());
    this.encoder.add(link, visitor, query, trace);
  }

  /** @throws when the disk does not take it: those clicks are lost, and a half written frame ends its segment */
  flush(): void {
    if (this.added === 0) return;
    const { added } = this;
    this.added = 0;
    const frame = this.sealer.seal(this.encoder.take());
    this.file ??= openSync(this.path, 'ax', 0o600);
    const written = writeSync(this.file, frame);
    this.bytes += written;
    if (written < frame.length) throw new Error(`The disk took ${written} of ${frame.length} bytes`);
    this.clicks += added;
  }

  /** A file into which nothing could be written goes: whoever takes it over would have it for a segment. */
  close(): void {
    if (this.file === undefined) return;
    closeSync(this.file);
    if (this.bytes === 0) rmSync(this.path, { force: true });
  }
}
