import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A group of the directory; who is in it stands in scim_group_members. */
@Entity('scim_groups')
export class ScimGroupEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid') id!: string;
  /** Unique in any case. By it a role is given. */
  @Column('text', { name: 'display_name' }) displayName!: string;
  /** Unique. */
  @Column('text', { name: 'external_id', nullable: true }) externalId!: string | null;
  /** Counts changes, those of who is in it included. */
  @Column('integer') version!: number;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}
