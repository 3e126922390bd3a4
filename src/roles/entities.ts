import { ApiKeyEntity } from '../identity/api-key.entity.js';
import { AuditEventEntity } from '../audit/audit-event.entity.js';
import { DomainEntity } from '../domains/domain.entity.js';
import { IdentityProviderEntity } from '../identity/identity-provider.entity.js';
import { MemberEntity } from '../identity/member.entity.js';
import { LinkEntity, LinkStatsEntity, TagEntity } from '../links/link.entity.js';
import { IdempotencyRecordEntity } from '../platform/idempotency/idempotency-record.entity.js';
import { OutboxEventEntity } from '../platform/outbox/outbox-event.entity.js';
import { ScimGroupEntity } from '../scim/scim-group.entity.js';
import { ScimUserEntity } from '../scim/scim-user.entity.js';
import { TenantEntity } from '../tenants/tenant.entity.js';

/** The tables that waypost_app works with. */
export const APP_ENTITIES = [
  ApiKeyEntity,
  AuditEventEntity,
  DomainEntity,
  IdempotencyRecordEntity,
  IdentityProviderEntity,
  LinkEntity,
  LinkStatsEntity,
  MemberEntity,
  OutboxEventEntity,
  ScimGroupEntity,
  ScimUserEntity,
  TagEntity,
  TenantEntity,
];

/** The tables that waypost_ingest reads through TypeORM. */
export const INGEST_ENTITIES = [OutboxEventEntity];
