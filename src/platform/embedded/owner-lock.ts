import pg from 'pg';

// Two numbers that are Waypost's own among the advisory locks of the database `postgres`.
const TAKE = 'SELECT pg_try_advisory_lock(1466005872, 1) AS taken';
const RETRY_MS = 1000;

/**
 * Says that a live process owns this data. The lock belongs to a connection, so it ends with the process however that
 * ends. If the connection is lost while the process lives (the server restarted), it is taken again.
 */
export class OwnerLock {
  private client: pg.Client | undefined;
  private retry: NodeJS.Timeout | undefined;
  private released = false;
  private lostToAnother = false;

  constructor(
    private readonly url: string,
    private readonly log: (line: string) => void,
  ) {}

  /** false when another process holds it. */
  async take(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'waypost owner' });
    let reason = 'connection ended';
    client.on('error', (error) => (reason = error.message));
    await client.connect();
    const { rows } = await client.query<{ taken: boolean }>(TAKE);
    if (rows[0]?.taken !== true) {
      await client.end();
      return false;
    }
    this.client = client;
    client.once('end', () => this.lost(reason));
    return true;
  }

  /** true after another process took the lock while our connection was lost: the server is that process's now. */
  get isAnothers(): boolean {
    return this.lostToAnother;
  }

  /** From now on the end of the connection is expected. */
  expectEnd(): void {
    this.released = true;
    clearTimeout(this.retry);
  }

  async release(): Promise<void> {
    this.expectEnd();
    await this.client?.end();
  }

  private lost(reason: string): void {
    if (this.released) return;
    this.log(`Lost the connection that marks the embedded database as in use (${reason}); taking it again`);
    this.retakeLater();
  }

  private retakeLater(): void {
    this.retry = setTimeout(() => void this.retake(), RETRY_MS).unref();
  }

  private async retake(): Promise<void> {
    try {
      const taken = await this.take();
      if (this.released) return await this.release();
      this.lostToAnother = !taken;
      this.log(
        taken ? 'The embedded database is marked as in use again' : 'Another Waypost took the embedded database',
      );
    } catch {
      // The server is still away; its absence has been logged once, and everyone who queries it says so too.
      if (!this.released) this.retakeLater();
    }
  }
}
