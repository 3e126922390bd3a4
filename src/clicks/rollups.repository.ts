import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../platform/database/ingest-database.js';

/** Of one transaction: it holds the sums of so many hours for a moment. */
const HOURS_AT_ONCE = 6;
const BUCKETS_LOOKED_AT = 200;

interface Step {
  tenantId: string;
  /** As the database writes them. */
  hours: string[];
}

// As the index has it, see the migration.
const HOUR = `date_bin('1 hour', bucket, timestamptz '2000-01-01 00:00+00')`;

/** Old sums. A function of the database moves them: ingest itself deletes none. */
@Injectable()
export class RollupsRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** Hours before this time that still have quarter-hours, oldest first. */
  uncompacted(before: Date): Promise<Step[]> {
    return this.database.query<Step>(
      `SELECT tenant_id AS "tenantId", (array_agg(hour::text ORDER BY hour))[1:${HOURS_AT_ONCE}] AS hours
       FROM (
         SELECT DISTINCT tenant_id, hour FROM (
           SELECT tenant_id, ${HOUR} AS hour FROM tenant_rollups
           WHERE bucket <> ${HOUR} AND bucket < $1 ORDER BY bucket LIMIT ${BUCKETS_LOOKED_AT}
         ) AS buckets
       ) AS hours
       GROUP BY 1 ORDER BY 1`,
      [before],
    );
  }

  /** In one transaction: whoever reads finds quarter-hours or hours. @returns how many sums have changed */
  async compact(tenantId: string, hours: string[]): Promise<number> {
    const [row] = await this.database.transactionAtOnce<{ rows: number }>([
      ['SELECT compact_rollups($1, $2) AS rows', [tenantId, hours]],
    ]);
    return row?.rows ?? 0;
  }
}
