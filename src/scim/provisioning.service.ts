import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { exceeds, roleAboveYours } from '../identity/provisioned-members.recorder.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { toPublicId } from '../platform/ids.js';
import { DirectoryChangesService } from './directory-changes.service.js';
import { DirectoryRolesService } from './directory-roles.service.js';
import type { GroupRoles } from './group-roles.js';
import type { PutProvisioning } from './provisioning.schemas.js';
import { ScimSettingsRepository } from './scim-settings.repository.js';

/** Which groups of the directory give which roles. */
@Injectable()
export class ProvisioningService {
  constructor(
    private readonly transactions: Transactions,
    private readonly settings: ScimSettingsRepository,
    private readonly changes: DirectoryChangesService,
    private readonly roles: DirectoryRolesService,
    private readonly audit: AuditRecorder,
  ) {}

  async get(ctx: Context): Promise<GroupRoles> {
    return this.transactions.run(ctx, (tx) => this.settings.get(tx));
  }

  /** In force at once, for everybody whom it concerns. */
  async put(ctx: Context, after: PutProvisioning): Promise<GroupRoles> {
    // Whoever says which group gives which role could otherwise get any.
    for (const role of [...Object.values(after.groupRoles), after.defaultRole]) {
      if (role !== null && exceeds(role, ctx.permissions)) throw roleAboveYours(role);
    }
    return this.changes.run(ctx, async (tx) => {
      const before = await this.settings.get(tx);
      await this.settings.put(tx, after);
      await this.roles.rolesChanged(tx, ctx, before, after);
      const target = toPublicId('tnt', tx.tenantId);
      await this.audit.record(tx, ctx, { action: 'provisioning.updated', target, before, after });
      return after;
    });
  }
}
