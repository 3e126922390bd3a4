import type { Readable } from 'node:stream';

/** The answers that are being streamed, so that a tenant has no more than a few, and that they end with the process. */
export class TenantStreams {
  private readonly open = new Set<Readable>();
  private readonly counts = new Map<string, number>();

  /** @param refused makes the error of those who have too many */
  constructor(
    private readonly most: number,
    private readonly refused: (most: number) => Error,
  ) {}

  /** @throws what `refused` makes, or what `make` throws: then nothing is open */
  async add<T extends Readable>(tenantId: string, make: () => Promise<T>): Promise<T> {
    if ((this.counts.get(tenantId) ?? 0) >= this.most) throw this.refused(this.most);
    this.count(tenantId, 1);
    try {
      const stream = await make();
      this.open.add(stream);
      stream.once('close', () => {
        this.open.delete(stream);
        this.count(tenantId, -1);
      });
      return stream;
    } catch (error) {
      this.count(tenantId, -1);
      throw error;
    }
  }

  get size(): number {
    return this.open.size;
  }

  /** Ends all that are open in such a way that nobody takes them for complete. */
  cut(reason: string): void {
    for (const stream of this.open) stream.destroy(new Error(reason));
  }

  private count(tenantId: string, change: 1 | -1): void {
    const streams = (this.counts.get(tenantId) ?? 0) + change;
    if (streams > 0) this.counts.set(tenantId, streams);
    else this.counts.delete(tenantId);
  }
}
