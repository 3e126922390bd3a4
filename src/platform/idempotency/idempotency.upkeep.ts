import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.js';

const AT_ONCE = 5_000;

@Injectable()
export class IdempotencyUpkeep {
  constructor(private readonly database: IngestDatabase) {}

  /** Deletes what has expired, in small transactions: a day's worth at once would hold up the others. */
  async sweep(): Promise<void> {
    let deleted = AT_ONCE;
    while (deleted === AT_ONCE) {
      const rows = await this.database.query<{ deleted: number }>(
        `WITH swept AS (
           DELETE FROM idempotency_records AS record
           USING (
             SELECT tenant_id, expires_at FROM idempotency_records WHERE expires_at < now() LIMIT ${AT_ONCE}) AS expired
           WHERE record.tenant_id = expired.tenant_id AND record.expires_at = expired.expires_at
           RETURNING 1)
         SELECT count(*)::int AS deleted FROM swept`,
      );
      deleted = rows[0]?.deleted ?? 0;
    }
  }
}
