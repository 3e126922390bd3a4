import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DomainsModule } from '../domains/domains.module.js';
import { TokensModule } from '../platform/tokens/tokens.module.js';
import { PlansModule } from '../plans/plans.module.js';
import { AccessReader } from './access.reader.js';
import { ActorsReader } from './actors.reader.js';
import { ApiKeysRecorder } from './api-keys.recorder.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { Authenticator } from './authenticator.js';
import { IdentityProvidersRepository } from './identity-providers.repository.js';
import { IdentityProvidersService } from './identity-providers.service.js';
import { MembersReader } from './members.reader.js';
import { MembersRepository } from './members.repository.js';
import { MembersService } from './members.service.js';
import { ProvisionedMembersRecorder } from './provisioned-members.recorder.js';
import { TokenAuthenticator } from './token-authenticator.js';
import { TokenTenants } from './token-tenants.js';

@Module({
  imports: [AuditModule, DomainsModule, PlansModule, TokensModule],
  providers: [
    AccessReader,
    ActorsReader,
    ApiKeysRecorder,
    ApiKeysRepository,
    ApiKeysService,
    Authenticator,
    IdentityProvidersRepository,
    IdentityProvidersService,
    MembersReader,
    MembersRepository,
    MembersService,
    ProvisionedMembersRecorder,
    TokenAuthenticator,
    TokenTenants,
  ],
  exports: [
    AccessReader,
    ApiKeysRecorder,
    ApiKeysService,
    Authenticator,
    IdentityProvidersService,
    MembersReader,
    MembersService,
    ProvisionedMembersRecorder,
  ],
})
export class IdentityModule {}
