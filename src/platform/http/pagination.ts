import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context/context.js';
import { Secrets } from '../secrets/secrets.js';
import { invalidField } from './domain-error.js';

const MAC_BYTES = 12;

/** Query parameters of every list. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'Use a whole number from 1 to 100.')
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .default(50)
    .meta({ type: 'integer', minimum: 1, maximum: 100 }),
  cursor: z.string().max(1024).optional(),
};

export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), nextCursor: z.string().nullable() });

/** Where a page ended: the sort values of its last row. */
export type Position = Array<string | number>;

/**
 * Opaque keyset cursors: the position, signed for this tenant and this list (its path, filters and order), so that a
 * cursor can be neither made up nor carried over to another list or tenant.
 */
@Injectable()
export class Cursors {
  constructor(private readonly secrets: Secrets) {}

  write(ctx: Context, list: string, position: Position): string {
    const body = Buffer.from(JSON.stringify(position));
    const mac = this.secrets.sign('cursor', signed(ctx, list, body)).subarray(0, MAC_BYTES);
    return Buffer.concat([mac, body]).toString('base64url');
  }

  /** @throws DomainError 422 when the cursor was not written for this list */
  read(ctx: Context, list: string, cursor: string | undefined): Position | undefined {
    if (cursor === undefined) return undefined;
    const bytes = Buffer.from(cursor, 'base64url');
    const mac = bytes.subarray(0, MAC_BYTES);
    const body = bytes.subarray(MAC_BYTES);
    // Several texts decode to the same bytes: only the one that was given out is the cursor.
    const whole = mac.length === MAC_BYTES && bytes.toString('base64url') === cursor;
    if (!whole || !this.secrets.isSigned('cursor', signed(ctx, list, body), mac)) {
      throw invalidField('/cursor', 'invalid_cursor', 'This cursor was not given out for this list.');
    }
    return JSON.parse(body.toString()) as Position;
  }

  /** Cuts the row that was fetched beyond the page and says where the next one starts. */
  page<Row>(ctx: Context, list: string, rows: Row[], limit: number, position: (row: Row) => Position): Page<Row> {
    const data = rows.slice(0, limit);
    const last = data.at(-1);
    const more = rows.length > limit && last !== undefined;
    return { data, nextCursor: more ? this.write(ctx, list, position(last)) : null };
  }
}

const signed = (ctx: Context, list: string, body: Buffer): string => `${ctx.tenantId}\n${list}\n${body.toString()}`;

/** RFC 8288: the same page again, from the next cursor on. */
export function linkToNext(request: FastifyRequest, reply: FastifyReply, body: unknown): void {
  const next = (body as Partial<Page<unknown>> | undefined)?.nextCursor;
  if (typeof next !== 'string') return;
  const url = new URL(request.url, 'http://localhost');
  url.searchParams.set('cursor', next);
  void reply.header('link', `<${url.pathname}${url.search}>; rel="next"`);
}
