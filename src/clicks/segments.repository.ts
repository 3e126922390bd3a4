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

  /** @returns whether this is the first time: a segment may be delivered again */
  async settle({ segment, spool, number, clicks, dropped }: Settlement): Promise<boolean> {
    const [row] = await this.database.query<{ first: boolean }>(
      `INSERT INTO click_segments (id, spool, number, clicks, dropped) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (id) DO UPDATE SET clicks = excluded.clicks, dropped = excluded.dropped
       RETURNING xmax = 0 AS first`,
      [segment, spool ?? null, number ?? null, clicks, dropped],
    );
    return row?.first === true;
  }

  /** By when they were written, oldest first: of each spool a beginning goes. */
  async forget(before: string): Promise<void> {
    await this.database.query('DELETE FROM click_segments WHERE id < $1', [before]);
    await this.database.query('DELETE FROM click_segment_days WHERE segment_id < $1', [before]);
  }
}
