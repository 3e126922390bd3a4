import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An organization. */
@Entity('tenants')
export class TenantEntity {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  /** Unique among the tenants there are. */
  @Column('text') slug!: string;
  /** Set: its keys answer 403 and its links do not redirect. */
  @Column('timestamptz', { name: 'suspended_at', nullable: true }) suspendedAt!: Date | null;
  /** Set: as if it were not there; the worker is clearing it away. */
  @Column('timestamptz', { name: 'deleted_at', nullable: true }) deletedAt!: Date | null;
  /** Set: the worker has cleared away its links, domains and keys. */
  @Column('timestamptz', { name: 'purged_at', nullable: true }) purgedAt!: Date | null;
  /** What is kept of a click: all that is known, or that it was. */
  @Column('text', { name: 'click_details' }) clickDetails!: 'full' | 'counts';
  /** Null: for as long as the platform keeps clicks, which is the longest. */
  @Column('integer', { name: 'click_retention_days', nullable: true }) clickRetentionDays!: number | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}
