import { Readable } from 'node:stream';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { modestHeapDuring } from '../platform/config/modest-heap.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors } from '../platform/http/pagination.js';
import { TenantStreams } from '../platform/http/tenant-streams.js';
import { whileAllowed } from '../platform/http/while-allowed.js';
import { tooManyExports } from './analytics.errors.js';
import { AnalyticsRepository } from './analytics.repository.js';
import type { ExportQuery } from './analytics.schemas.js';
import { ClickFilters } from './click-filters.service.js';
import { csvRecord } from './csv.js';
import { DIMENSIONS } from './dimensions.js';
import { type ExportPosition, readExportCursor, writeExportCursor } from './export-cursor.js';
import { type ExportedRow, ExportRepository } from './export.repository.js';
import type { ClickFilter } from './question.js';
import { shownClick } from './shown-click.js';
import { exactRange } from './time-range.js';
import type { Span } from './whole-days.js';

/** Rows of one statement: so much is in memory. */
const BATCH = 500;
/** Rows of one piece of the answer. Larger pieces would be too large for the heap's young part and stay for long. */
const PIECE = 100;
/** A statement looks no further than this, so that a filter that hardly anything meets keeps none running for long. */
const WINDOW_MS = 24 * 3_600_000;
/** Of one tenant, in this process: each has a connection to the database half of the time. */
const MOST_EXPORTS = 2;

interface Export {
  ctx: Context;
  /** What its cursors begin with. */
  signed: string;
  span: Span;
  filter: ClickFilter;
  bots: boolean;
  after: ExportPosition | undefined;
}

@Injectable()
export class ExportService implements BeforeApplicationShutdown {
  private readonly streams = new TenantStreams(MOST_EXPORTS, tooManyExports);

  constructor(
    private readonly transactions: Transactions,
    private readonly analytics: AnalyticsRepository,
    private readonly clicks: ExportRepository,
    private readonly filters: ClickFilters,
    private readonly cursors: Cursors,
    private readonly audit: AuditRecorder,
  ) {}

  /**
   * All clicks that are asked for, as text. They are read as fast as they are taken: between two pieces no transaction is
   * open, and when nobody takes them any more the next one is not read.
   */
  stream(ctx: Context, query: ExportQuery): Promise<Readable> {
    return this.streams.add(ctx.tenantId, () => this.open(ctx, query));
  }

  /** A long one would keep the process for as long as it lasts. Its connection breaks, and the last line's cursor goes on. */
  beforeApplicationShutdown(): void {
    this.streams.cut('An export was cut off: the process stops');
  }

  private async open(ctx: Context, { cursor, format, ...query }: ExportQuery): Promise<Readable> {
    const list = `clicks ${JSON.stringify(query)}`;
    const after = this.positionOf(ctx, list, cursor);
    const open = await this.transactions.read(ctx, async (tx) => ({
      filter: await this.filters.resolve(tx, query),
      span: await this.span(tx, query, after),
    }));
    await this.transactions.run(ctx, (tx) => this.audit.recordRead(tx, ctx, 'click.exported', { format, ...query }));
    const started = { ctx, signed: this.cursors.write(ctx, list, []), after, bots: query.bots, ...open };
    const lines = format === 'csv' ? this.asCsv(started) : this.asNdjson(started);
    return modestHeapDuring(Readable.from(whileAllowed(ctx, lines)));
  }

  private async span(tx: Tx, query: Omit<ExportQuery, 'cursor' | 'format'>, after?: ExportPosition): Promise<Span> {
    const { from, to } = exactRange(query, new Date());
    const begin = from ?? (await this.analytics.firstClick(tx)) ?? to;
    const resumed = after ? new Date(after.time) : begin;
    return { from: resumed > begin ? resumed : begin, to };
  }

  private async *asCsv(started: Export): AsyncGenerator<string | Buffer> {
    yield csvRecord(FIELDS);
    for await (const rows of this.batches(started)) {
      for (const piece of pieces(rows)) {
        yield Buffer.from(piece.map((row) => csvRecord(Object.values(shown(started, row)))).join(''));
      }
    }
  }

  private async *asNdjson(started: Export): AsyncGenerator<Buffer> {
    for await (const rows of this.batches(started)) {
      for (const piece of pieces(rows)) {
        yield Buffer.from(piece.map((row) => `${JSON.stringify(shown(started, row))}\n`).join(''));
      }
    }
  }

  private async *batches({ ctx, span, filter, bots, after: resumed }: Export): AsyncGenerator<ExportedRow[]> {
    let after = resumed;
    for (let { from } = span; from < span.to;) {
      const to = new Date(Math.min(from.getTime() + WINDOW_MS, span.to.getTime()));
      const window = { from, to };
      const rows = await this.transactions.read(ctx, (tx) =>
        this.clicks.batch(tx, window, { filter, bots }, after, BATCH),
      );
      const last = rows.at(-1);
      if (last) {
        after = { time: last.position, id: last.id };
        yield rows;
      }
      if (rows.length < BATCH) from = to;
    }
  }

  private positionOf(ctx: Context, list: string, cursor: string | undefined): ExportPosition | undefined {
    if (cursor === undefined) return undefined;
    const read = readExportCursor(cursor);
    this.cursors.read(ctx, list, read?.signedExport ?? '');
    return read?.position;
  }
}

const shown = ({ signed }: Export, row: ExportedRow): Record<string, string | boolean | null> => ({
  ...shownClick(row),
  cursor: writeExportCursor(signed, { time: row.position, id: row.id }),
});

function* pieces(rows: ExportedRow[]): Generator<ExportedRow[]> {
  for (let from = 0; from < rows.length; from += PIECE) yield rows.slice(from, from + PIECE);
}

const FIELDS = ['id', 'occurredAt', 'linkId', 'domain', 'key', ...Object.keys(DIMENSIONS), 'bot', 'cursor'];
