import { PassThrough, pipeline, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { AccessReader } from '../identity/access.reader.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors } from '../platform/http/pagination.js';
import { NIL_UUID } from '../platform/ids.js';
import { tooManyListeners } from './analytics.errors.js';
import type { LiveQuery } from './analytics.schemas.js';
import { ClickFilters } from './click-filters.service.js';
import { type LivePosition, LiveRepository } from './live.repository.js';
import type { ClickFilter } from './question.js';
import { shownClick } from './shown-click.js';

const POLL_MS = 1_000;
const BATCH = 500;
/** Proxies and clients give up connections on which nothing comes. */
const HEARTBEAT_MS = 15_000;
const ACCESS_CHECK_MS = 30_000;
/** Of one tenant, in this process. */
const MOST_LISTENERS = 10;

interface Listener {
  ctx: Context;
  list: string;
  position: LivePosition;
  filter: ClickFilter;
  bots: boolean;
  authorization: string | undefined;
}

@Injectable()
export class LiveService implements BeforeApplicationShutdown {
  private readonly listeners = new Map<string, number>();
  private readonly shutdown = new AbortController();

  constructor(
    private readonly transactions: Transactions,
    private readonly clicks: LiveRepository,
    private readonly filters: ClickFilters,
    private readonly cursors: Cursors,
    private readonly access: AccessReader,
  ) {}

  beforeApplicationShutdown(): void {
    this.shutdown.abort();
  }

  /** Server-Sent Events: clicks as they are stored, from now on or from where an earlier stream ended. */
  async stream(
    ctx: Context,
    query: LiveQuery,
    { lastEventId, authorization }: { lastEventId?: string | undefined; authorization?: string | undefined },
  ): Promise<Readable> {
    const list = `live clicks ${JSON.stringify(query)}`;
    const resumed = this.cursors.read(ctx, list, lastEventId || undefined);
    if ((this.listeners.get(ctx.tenantId) ?? 0) >= MOST_LISTENERS) throw tooManyListeners(MOST_LISTENERS);
    const { filter, position } = await this.transactions.read(ctx, async (tx) => ({
      filter: await this.filters.resolve(tx, query),
      position: resumed
        ? { ingested: String(resumed[0]), id: String(resumed[1]) }
        : { ingested: await this.clicks.now(tx), id: NIL_UUID },
    }));
    return this.open({ ctx, list, position, filter, bots: query.bots, authorization });
  }

  private open(listener: Listener): Readable {
    const stream = new PassThrough();
    const gone = new AbortController();
    this.count(listener.ctx, 1);
    stream.once('close', () => {
      this.count(listener.ctx, -1);
      gone.abort();
    });
    const events = this.events(listener, AbortSignal.any([this.shutdown.signal, gone.signal]));
    // An error ends the stream, and whoever sends it hears of it there.
    pipeline(events, stream, () => undefined);
    return stream;
  }

  private count({ tenantId }: Context, change: 1 | -1): void {
    const listeners = (this.listeners.get(tenantId) ?? 0) + change;
    if (listeners > 0) this.listeners.set(tenantId, listeners);
    else this.listeners.delete(tenantId);
  }

  /** Ends when the process does, or when the credentials no longer hold: the client then comes again, or is refused. */
  private async *events(listener: Listener, over: AbortSignal): AsyncGenerator<string> {
    let said = performance.now();
    let checked = said;
    yield this.heartbeat(listener);
    while (!over.aborted) {
      const { events, more } = await this.next(listener);
      const now = performance.now();
      if (events !== '' || now - said >= HEARTBEAT_MS) {
        said = now;
        yield events || this.heartbeat(listener);
      }
      if (now - checked >= ACCESS_CHECK_MS) {
        if (!(await this.access.isInForce(listener.ctx, listener.authorization, 'analytics:read'))) return;
        checked = now;
      }
      if (!more) await pause(over);
    }
  }

  private async next(listener: Listener): Promise<{ events: string; more: boolean }> {
    const { rows, settled } = await this.transactions.read(listener.ctx, (tx) =>
      this.clicks.after(tx, listener.position, listener, BATCH),
    );
    const events = rows.map((row) => {
      const id = this.idOf(listener, { ingested: row.ingested, id: row.id });
      return `id: ${id}\nevent: click\ndata: ${JSON.stringify(shownClick(row))}\n\n`;
    });
    const last = rows.at(-1);
    const more = rows.length === BATCH && last !== undefined;
    if (more) listener.position = { ingested: last.ingested, id: last.id };
    // A replica may know less than the one that was asked before: nothing is told twice.
    else if (BigInt(settled) > BigInt(listener.position.ingested)) {
      listener.position = { ingested: settled, id: NIL_UUID };
    }
    return { events: events.join(''), more };
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
