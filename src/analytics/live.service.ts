import { PassThrough, pipeline, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context } from '../platform/context/context.js';
import { isUnavailable } from '../platform/database/database-errors.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors } from '../platform/http/pagination.js';
import { TenantStreams } from '../platform/http/tenant-streams.js';
import { ACCESS_CHECK_MS } from '../platform/http/while-allowed.js';
import { NIL_UUID } from '../platform/ids.js';
import { tooManyListeners } from './analytics.errors.js';
import type { LiveQuery } from './analytics.schemas.js';
import { ClickFilters } from './click-filters.service.js';
import { type LivePosition, LiveRepository } from './live.repository.js';
import type { ClickFilter } from './question.js';
import { shownClick } from './shown-click.js';

const POLL_MS = 1_000;
/** Some milliseconds' work, far from the time that a question has. */
const LOOK = { matches: 500, clicks: 20_000 };
/** Proxies and clients give up connections on which nothing comes. */
const HEARTBEAT_MS = 15_000;
/** Of one tenant, in this process. */
const MOST_LISTENERS = 10;
/** What a stopping process still has to say is taken in this time, or by nobody. */
const FAREWELL_MS = 1_000;
/** Spread: those whose process stops must not all come to the next one in the same moment. */
const reconnectMs = (): number => 500 + Math.floor(Math.random() * 2_500);

interface Listener {
  ctx: Context;
  list: string;
  position: LivePosition;
  /** Whether the position that was asked for is not to be had. */
  reset: boolean;
  filter: ClickFilter;
  bots: boolean;
}

@Injectable()
export class LiveService implements BeforeApplicationShutdown {
  private readonly streams = new TenantStreams(MOST_LISTENERS, tooManyListeners);
  private readonly shutdown = new AbortController();

  constructor(
    private readonly transactions: Transactions,
    private readonly clicks: LiveRepository,
    private readonly filters: ClickFilters,
    private readonly cursors: Cursors,
    private readonly audit: AuditRecorder,
  ) {}

  /** Listeners are sent to another process; one that takes nothing must not keep this one. */
  async beforeApplicationShutdown(): Promise<void> {
    this.shutdown.abort();
    const end = performance.now() + FAREWELL_MS;
    while (this.streams.size > 0 && performance.now() < end) await sleep(20);
    this.streams.cut('A live stream was cut off: the process stops, and its listener reads nothing');
  }

  /** Server-Sent Events: clicks as they are stored, from now on or from where an earlier stream ended. */
  stream(ctx: Context, query: LiveQuery, lastEventId: string | undefined): Promise<Readable> {
    const list = `live clicks ${JSON.stringify(query)}`;
    const resumed = this.cursors.read(ctx, list, lastEventId || undefined);
    return this.streams.add(ctx.tenantId, async () => {
      const filter = await this.transactions.read(ctx, (tx) => this.filters.resolve(tx, query));
      const start = await this.startOf(ctx, resumed);
      await this.transactions.run(ctx, (tx) => this.audit.recordRead(tx, ctx, 'click.streamed', query));
      return this.open({ ctx, list, ...start, filter, bots: query.bots });
    });
  }

  /**
   * Positions are numbers of transactions. One that the primary has not come to yet is of a database that has been
   * restored from a backup since: whoever waited there would hear nothing for long, and then have missed something.
   */
  private async startOf(ctx: Context, resumed: unknown[] | undefined): Promise<Pick<Listener, 'position' | 'reset'>> {
    const [ingested, id] = (resumed ?? []).map(String);
    if (ingested !== undefined && id !== undefined) {
      const next = await this.transactions.run(ctx, (tx) => this.clicks.next(tx));
      if (BigInt(ingested) <= BigInt(next)) return { position: { ingested, id }, reset: false };
    }
    const now = await this.transactions.read(ctx, (tx) => this.clicks.now(tx));
    return { position: { ingested: now, id: NIL_UUID }, reset: resumed !== undefined };
  }

  private open(listener: Listener): Readable {
    const stream = new PassThrough();
    const gone = new AbortController();
    stream.once('close', () => gone.abort());
    const events = this.events(listener, AbortSignal.any([this.shutdown.signal, gone.signal]));
    // An error ends the stream, and whoever sends it hears of it there.
    pipeline(events, stream, () => undefined);
    return stream;
  }

  /** Ends when the process does, or when the credentials no longer hold: the client then comes again, or is refused. */
  private async *events(listener: Listener, over: AbortSignal): AsyncGenerator<string> {
    let said = performance.now();
    let checked = said;
    yield `retry: ${reconnectMs()}\n${this.heartbeat(listener)}`;
    if (listener.reset) yield `id: ${this.idOf(listener, listener.position)}\nevent: reset\ndata: {}\n\n`;
    while (!over.aborted) {
      // Before anything is read: whoever took nothing for an hour may have lost their access meanwhile.
      if (performance.now() - checked >= ACCESS_CHECK_MS) {
        if (!(await (listener.ctx.stillHolds?.() ?? true))) return;
        checked = performance.now();
      }
      const { events, more } = await this.next(listener);
      const now = performance.now();
      if (events !== '' || now - said >= HEARTBEAT_MS) {
        said = now;
        yield events || this.heartbeat(listener);
      }
      if (!more) await pause(over);
    }
    yield `: come again\n${this.heartbeat(listener)}`;
  }

  /** While the database is away nothing comes; nothing is lost either, so that the stream need not end. */
  private async next(listener: Listener): Promise<{ events: string; more: boolean }> {
    try {
      return await this.read(listener);
    } catch (error) {
      if (isUnavailable(error)) return { events: '', more: false };
      throw error;
    }
  }

  private async read(listener: Listener): Promise<{ events: string; more: boolean }> {
    const { rows, settled, reached } = await this.transactions.read(listener.ctx, (tx) =>
      this.clicks.after(tx, listener.position, listener, LOOK),
    );
    const events = rows.map((row) => {
      const id = this.idOf(listener, { ingested: row.ingested, id: row.id });
      return `id: ${id}\nevent: click\ndata: ${JSON.stringify(shownClick(row))}\n\n`;
    });
    if (reached) listener.position = reached;
    // A replica may know less than the one that was asked before: nothing is told twice.
    else if (BigInt(settled) > BigInt(listener.position.ingested)) {
      listener.position = { ingested: settled, id: NIL_UUID };
    }
    return { events: events.join(''), more: reached !== undefined };
  }

  /** A comment, and an id without an event: a client that comes again goes on from there. */
  private heartbeat(listener: Listener): string {
    return `: waiting\nid: ${this.idOf(listener, listener.position)}\n\n`;
  }

  private idOf({ ctx, list }: Listener, { ingested, id }: LivePosition): string {
    return this.cursors.write(ctx, list, [ingested, id]);
  }
}

const pause = (over: AbortSignal): Promise<void> =>
  sleep(POLL_MS, undefined, { signal: over }).catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
