import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { newId, toPublicId } from '../platform/ids.js';
import { linkNotFound } from './link.errors.js';
import { LinksService } from './links.service.js';
import { type CreateTakedown, type ListTakedowns, toTakedownResponse } from './takedown.schemas.js';
import { type Takedown, TakedownsRepository } from './takedowns.repository.js';

/** For the platform's operators, in whose trail it stands as well as in the tenant's: switches off a link of whichever tenant, which can not switch it on again. */
@Injectable()
export class TakedownsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly takedowns: TakedownsRepository,
    private readonly links: LinksService,
    private readonly cursors: Cursors,
    private readonly audit: AuditRecorder,
  ) {}

  async create(ctx: Context, { link: name, reason, warning }: CreateTakedown): Promise<Takedown> {
    return this.transactions.run(ctx, async (tx) => {
      const found = await this.takedowns.findLink(tx, name);
      if (!found) throw linkNotFound();
      const { domain, key, url } = await this.transactions.asTenant(tx, found.tenantId, (own) =>
        this.links.takeDown(own, ctx, found.linkId, warning ? 'warning' : 'hidden', reason),
      );
      const made = { id: newId(), createdAt: new Date(), liftedAt: null };
      const takedown = { ...found, ...made, domain, key, url, reason, warning };
      await this.takedowns.insert(tx, takedown);
      await this.audit.record(tx, ctx, {
        action: 'takedown.created',
        target: toPublicId('tkd', takedown.id),
        after: toTakedownResponse(takedown),
      });
      return takedown;
    });
  }

  async list(ctx: Context, { limit, cursor, inForce }: ListTakedowns): Promise<Page<Takedown>> {
    const list = `takedowns ${inForce}`;
    const [beforeId] = (this.cursors.read(ctx, list, cursor) ?? []) as [string?];
    const rows = await this.transactions.run(ctx, (tx) => this.takedowns.list(tx, limit, inForce, beforeId));
    return this.cursors.page(ctx, list, rows, limit, ({ id }) => [id]);
  }

  /** The link is again what its tenant says it is. */
  async lift(ctx: Context, id: string): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      const lifted = await this.takedowns.lift(tx, id, new Date());
      const { tenantId, linkId } = lifted;
      await this.transactions.asTenant(tx, tenantId, (own) => this.links.liftTakedown(own, ctx, linkId));
      await this.audit.record(tx, ctx, {
        action: 'takedown.lifted',
        target: toPublicId('tkd', id),
        after: toTakedownResponse(lifted),
      });
    });
  }
}
