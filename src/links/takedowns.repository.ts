import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { isUniqueViolation } from '../platform/database/database-errors.js';
import { parseHostname } from '../platform/http/hostname.js';
import { alreadyTakenDown, takedownNotFound } from './link.errors.js';
import { canonicalKey } from './link-key.js';

export interface Takedown {
  tenantId: string;
  id: string;
  linkId: string;
  domain: string;
  key: string;
  url: string;
  reason: string;
  warning: boolean;
  createdAt: Date;
  liftedAt: Date | null;
}

/** How operators name a link: they need not know whose it is. */
export type LinkName = { id: string } | { domain: string; key: string };

const COLUMNS = `tenant_id AS "tenantId", id, link_id AS "linkId", domain, key, url, reason, warning,
  created_at AS "createdAt", lifted_at AS "liftedAt"`;

/** Row-level security shows takedowns to the platform's operators alone. */
@Injectable()
export class TakedownsRepository {
  async findLink(tx: Tx, name: LinkName): Promise<{ tenantId: string; linkId: string } | undefined> {
    const parameters =
      'id' in name
        ? [null, null, null, name.id]
        : [parseHostname(name.domain) ?? '', canonicalKey(name.key, true), canonicalKey(name.key, false), null];
    const rows = (await tx.manager.query(
      'SELECT owner_id AS "tenantId", link_id AS "linkId" FROM find_link_anywhere($1, $2, $3, $4)',
      parameters,
    )) as Array<{ tenantId: string; linkId: string }>;
    return rows[0];
  }

  async insert(tx: Tx, takedown: Takedown): Promise<void> {
    const { tenantId, id, linkId, domain, key, url, reason, warning, createdAt } = takedown;
    try {
      await tx.manager.query(
        `INSERT INTO takedowns (tenant_id, id, link_id, domain, key, url, reason, warning, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [tenantId, id, linkId, domain, key, url, reason, warning, createdAt],
      );
    } catch (error) {
      throw isUniqueViolation(error, 'takedowns_in_force') ? alreadyTakenDown() : error;
    }
  }

  /** Newest first, one more than asked for when there are more. */
  list(tx: Tx, limit: number, inForce: boolean, beforeId: string | undefined): Promise<Takedown[]> {
    return tx.manager.query(
      `SELECT ${COLUMNS} FROM takedowns
       WHERE ($2::uuid IS NULL OR id < $2) AND (NOT $3 OR lifted_at IS NULL)
       ORDER BY id DESC LIMIT $1`,
      [limit + 1, beforeId ?? null, inForce],
    );
  }

  /** @throws DomainError 404 when there is none in force */
  async lift(tx: Tx, id: string, now: Date): Promise<Takedown> {
    const [rows] = (await tx.manager.query(
      `UPDATE takedowns SET lifted_at = $2 WHERE id = $1 AND lifted_at IS NULL RETURNING ${COLUMNS}`,
      [id, now],
    )) as [Takedown[], number];
    const [takedown] = rows;
    if (!takedown) throw takedownNotFound();
    return takedown;
  }
}
