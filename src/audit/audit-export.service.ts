import { Readable } from 'node:stream';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { modestHeapDuring } from '../platform/config/modest-heap.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { TenantStreams } from '../platform/http/tenant-streams.js';
import { whileAllowed } from '../platform/http/while-allowed.js';
import { tooManyExports } from './audit.errors.js';
import { AuditRecorder } from './audit.recorder.js';
import { AuditRepository } from './audit.repository.js';
import type { ExportAuditEvents } from './audit.schemas.js';
import { toOcsf } from './ocsf.js';

/** Events of one statement: so much is in memory. */
const BATCH = 200;
/** Of one tenant, in this process. */
const MOST_EXPORTS = 2;

@Injectable()
export class AuditExportService implements BeforeApplicationShutdown {
  private readonly streams = new TenantStreams(MOST_EXPORTS, tooManyExports);

  constructor(
    private readonly transactions: Transactions,
    private readonly events: AuditRepository,
    private readonly recorder: AuditRecorder,
  ) {}

  /** Oldest first, as fast as it is taken: between two batches no transaction is open. */
  stream(ctx: Context, query: ExportAuditEvents): Promise<Readable> {
    return this.streams.add(ctx.tenantId, async () => {
      await this.transactions.run(ctx, (tx) => this.recorder.recordRead(tx, ctx, 'audit_event.exported', query));
      return modestHeapDuring(Readable.from(whileAllowed(ctx, this.lines({ ...ctx, tx: undefined }, query))));
    });
  }

  /** A long one would keep the process for as long as it lasts. */
  beforeApplicationShutdown(): void {
    this.streams.cut('An export of the audit trail was cut off: the process stops');
  }

  private async *lines(ctx: Context, query: ExportAuditEvents): AsyncGenerator<Buffer> {
    // What is recorded while it is read is for the next export: this one has an end.
    const filter = { ...query, to: query.to ?? new Date() };
    let after: string | undefined;
    for (;;) {
      const events = await this.transactions.run(ctx, (tx) => this.events.batch(tx, filter, BATCH, after));
      if (events.length > 0) yield Buffer.from(events.map((event) => `${JSON.stringify(toOcsf(event))}\n`).join(''));
      if (events.length < BATCH) return;
      after = events.at(-1)?.id;
    }
  }
}
