import { Socket } from 'node:net';

type Written = (error?: Error | null) => void;

/**
 * A connection that sends in one system call what is written to it in one go: the statements of a pipeline. A call for
 * each took a fifth of the API's time.
 */
export class GatheringSocket extends Socket {
  private gathers = false;

  override write(chunk: Uint8Array | string, written?: Written): boolean;
  override write(chunk: Uint8Array | string, encoding?: BufferEncoding, written?: Written): boolean;
  override write(...given: [never, never?, never?]): boolean {
    if (!this.gathers) this.gather();
    return super.write(...given);
  }

  private gather(): void {
    this.gathers = true;
    this.cork();
    // Runs when no promise has anything left to do.
    process.nextTick(() => {
      this.gathers = false;
      this.uncork();
    });
  }
}
