import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An organization. */
@Entity('tenants')
export class TenantEntity {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  /** Unique among the tenants there are. */
  @Column('text') slug!: string;
  /** Set: its credentials answer 403, and its links do not redirect unless that is allowed. */
  @Column('timestamptz', { name: 'suspended_at', nullable: true }) suspendedAt!: Date | null;
  @Column('boolean', { name: 'redirects_while_suspended' }) redirectsWhileSuspended!: boolean;
  /** Set: as if it were not there; the worker is clearing it away. */
  @Column('timestamptz', { name: 'deleted_at', nullable: true }) deletedAt!: Date | null;
  /** Set: the worker has cleared away its links, domains and keys. */
  @Column('timestamptz', { name: 'purged_at', nullable: true }) purgedAt!: Date | null;
  /** What is kept of a click: all that is known, or that it was. */
  @Column('text', { name: 'click_details' }) clickDetails!: 'full' | 'counts';
  /** Null: for as long as the platform keeps clicks, which is the longest. */
  @Column('integer', { name: 'click_retention_days', nullable: true }) clickRetentionDays!: number | null;
  /** What it is called; what it allows stands in the limits, where null is the platform's own limit. */
  @Column('text') plan!: string;
  @Column('integer', { name: 'links_per_month', nullable: true }) linksPerMonth!: number | null;
  @Column('integer', { name: 'max_domains', nullable: true }) maxDomains!: number | null;
  @Column('integer', { name: 'max_members', nullable: true }) maxMembers!: number | null;
  /** Of the API. */
  @Column('integer', { name: 'requests_per_minute', nullable: true }) requestsPerMinute!: number | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}
