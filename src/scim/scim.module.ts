import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { IdentityModule } from '../identity/identity.module.js';
import { DirectoryChangesService } from './directory-changes.service.js';
import { DirectoryRolesService } from './directory-roles.service.js';
import { ProvisioningService } from './provisioning.service.js';
import { ScimGroupsRepository } from './scim-groups.repository.js';
import { ScimGroupsService } from './scim-groups.service.js';
import { ScimSettingsRepository } from './scim-settings.repository.js';
import { ScimUsersRepository } from './scim-users.repository.js';
import { ScimUsersService } from './scim-users.service.js';

@Module({
  imports: [AuditModule, IdentityModule],
  providers: [
    DirectoryChangesService,
    DirectoryRolesService,
    ProvisioningService,
    ScimGroupsRepository,
    ScimGroupsService,
    ScimSettingsRepository,
    ScimUsersRepository,
    ScimUsersService,
  ],
  exports: [ProvisioningService, ScimGroupsService, ScimUsersService],
})
export class ScimModule {}
