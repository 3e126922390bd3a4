import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import type { ClicksJob } from './clicks.jobs.js';

/** What became of a segment besides what was stored, which the transactions that stored it have noted. */
export interface Settlement extends Pick<ClicksJob, 'spool' | 'number'> {
  segment: string;
  clicks: number;
  dropped: number;
}

@Injectable()
export class SegmentsRepository {
  constructor(private readonly database: IngestDatabase) {}

  /**
   * The first settlement stands, for later deliveries find links deleted and days gone by. One that nothing could be
   * read of had no clicks then, and may have some now.
   *
   * @returns false when there was one that stands
   */
  async settle({ segment, spool, number, clicks, dropped }: Settlement): Promise<boolean> {
    const rows = await this.database.query(
      `INSERT INTO click_segments AS known (id, spool, number, clicks, dropped) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (id) DO UPDATE SET clicks = excluded.clicks, dropped = excluded.dropped WHERE known.clicks = 0
       RETURNING id`,
      [segment, spool ?? null, number ?? null, clicks, dropped],
    );
    return rows.length > 0;
  }

  /** By when they were written, oldest first: of each spool a beginning goes. */
  async forget(before: string): Promise<void> {
    await this.database.query('DELETE FROM click_segments WHERE id < $1', [before]);
    await this.database.query('DELETE FROM click_segment_days WHERE segment_id < $1', [before]);
  }
}
