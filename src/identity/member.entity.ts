import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from './permissions.js';

/** A person of a tenant. */
@Entity('members')
export class MemberEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text', { nullable: true }) name!: string | null;
  /** In lower case, unique; null where the identity provider vouches for none. */
  @Column('text', { nullable: true }) email!: string | null;
  @Column('text') role!: Role;
  /** Invited until the first login; deactivated for as long as the directory gives no access. */
  @Column('text') status!: 'invited' | 'active' | 'deactivated';
  /** Whether the directory (SCIM) says that the person is active; null: it knows nothing of the member. */
  @Column('boolean', { name: 'directory_active', nullable: true }) directoryActive!: boolean | null;
  /** What the directory's groups give. */
  @Column('text', { name: 'directory_role', nullable: true }) directoryRole!: Role | null;
  /** What was given to somebody of the directory beside its groups: `role` is the higher of the two. */
  @Column('text', { name: 'own_role', nullable: true }) ownRole!: Role | null;
  /** In lower case, unique. By one of these two a first login is recognized. */
  @Column('text', { name: 'directory_user_name', nullable: true }) directoryUserName!: string | null;
  @Column('text', { name: 'directory_external_id', nullable: true }) directoryExternalId!: string | null;
  /** With `subject`, the person: bound at the first login, unique. */
  @Column('uuid', { name: 'provider_id', nullable: true }) providerId!: string | null;
  @Column('text', { nullable: true }) subject!: string | null;
  /** Ids of the domains whose links an editor is confined to; null: any. */
  @Column('uuid', { name: 'restricted_domains', array: true, nullable: true }) restrictedDomains!: string[] | null;
  /** Tags, of which a link has to have one; null: any link. */
  @Column('text', { name: 'restricted_tags', array: true, nullable: true }) restrictedTags!: string[] | null;
  /** To the minute. */
  @Column('timestamptz', { name: 'last_seen_at', nullable: true }) lastSeenAt!: Date | null;
  @Column('text', { name: 'created_by' }) createdBy!: string;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}
