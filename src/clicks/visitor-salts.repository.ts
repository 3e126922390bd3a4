import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../platform/database/ingest-database.js';

const SALT_BYTES = 32;
const FORGOTTEN_AT_ONCE = 20_000;

/** A random salt for each UTC day, and who was seen under it. Both are destroyed together. */
@Injectable()
export class VisitorSaltsRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** The day's salt, made by whoever needs it first. */
  async saltOf(day: string): Promise<Buffer> {
    const find = 'SELECT salt FROM visitor_salts WHERE day = $1';
    const make = 'INSERT INTO visitor_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING';
    const [known] = await this.database.query<{ salt: Buffer }>(find, [day]);
    if (known) return known.salt;
    await this.database.query(make, [day, randomBytes(SALT_BYTES)]);
    const [made] = await this.database.query<{ salt: Buffer }>(find, [day]);
    if (!made) throw new Error(`The salt of ${day} was destroyed while it was being made`);
    return made.salt;
  }

  /** Destroys the salts of days before this one. @returns how many */
  async destroyBefore(day: string): Promise<number> {
    const gone = await this.database.query<{ destroyed: number }>(
      `WITH gone AS (DELETE FROM visitor_salts WHERE day < $1 RETURNING day)
       SELECT count(*)::int AS destroyed FROM gone`,
      [day],
    );
    return gone[0]?.destroyed ?? 0;
  }

  /** Tenants with somebody seen before this day. */
  async tenantsSeenBefore(day: string): Promise<string[]> {
    const sql = (await this.database.isDistributed()) ? SEEN_IN_SHARDS : SEEN;
    const rows = await this.database.query<{ id: string }>(sql, [day]);
    return rows.map(({ id }) => id);
  }

  /** Forgets some of those whom a tenant saw before this day. @returns whether there may be more */
  async forget(tenantId: string, day: string): Promise<boolean> {
    const [row] = await this.database.query<{ forgotten: number }>(
      `WITH gone AS (
         DELETE FROM visitor_days AS seen
         USING (
           SELECT day, link_id, visitor FROM visitor_days WHERE tenant_id = $1 AND day < $2 LIMIT ${FORGOTTEN_AT_ONCE}
         ) AS past
         WHERE seen.tenant_id = $1 AND seen.day < $2
           AND (seen.day, seen.link_id, seen.visitor) = (past.day, past.link_id, past.visitor)
         RETURNING 1)
       SELECT count(*)::int AS forgotten FROM gone`,
      [tenantId, day],
    );
    return row?.forgotten === FORGOTTEN_AT_ONCE;
  }
}

// A look into the index for each tenant: those who are seen today are many.
const SEEN = `
  SELECT id FROM tenants
  WHERE EXISTS (SELECT FROM visitor_days WHERE visitor_days.tenant_id = tenants.id AND visitor_days.day < $1)`;
/** The same on Citus, which takes no subquery about each row of a table that all nodes have. */
const SEEN_IN_SHARDS = 'SELECT DISTINCT tenant_id AS id FROM visitor_days WHERE day < $1';
