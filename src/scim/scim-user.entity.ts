import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Values } from './resource-values.js';

/** A person as the directory has them. The member with the same id is what comes of it. */
@Entity('scim_users')
export class ScimUserEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid') id!: string;
  /** Unique in any case. */
  @Column('text', { name: 'user_name' }) userName!: string;
  /** Unique. */
  @Column('text', { name: 'external_id', nullable: true }) externalId!: string | null;
  @Column('boolean') active!: boolean;
  /** All other attributes. */
  @Column('jsonb') attributes!: Values;
  /** Counts changes, those of the person's groups included. */
  @Column('integer') version!: number;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}
