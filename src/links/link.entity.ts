import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { DestinationFlag } from '../destinations/destinations.reader.js';

/** PostgreSQL gives bigint as text. */
const wholeNumber = {
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

@Entity('links')
export class LinkEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  /** UUIDv7: links in order of id are links in order of creation. */
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'domain_id' }) domainId!: string;
  /** As visitors type it, NFC; in lower case where the domain does not distinguish case. */
  @Column('text') key!: string;
  @Column('text') url!: string;
  @Column('text', { name: 'external_id', nullable: true }) externalId!: string | null;
  @Column('text', { nullable: true }) title!: string | null;
  @Column('text', { nullable: true }) comments!: string | null;
  @Column('timestamptz', { name: 'starts_at', nullable: true }) startsAt!: Date | null;
  @Column('timestamptz', { name: 'expires_at', nullable: true }) expiresAt!: Date | null;
  @Column('text', { name: 'expired_url', nullable: true }) expiredUrl!: string | null;
  @Column('bigint', { name: 'max_clicks', nullable: true, transformer: wholeNumber }) maxClicks!: number | null;
  @Column('smallint', { name: 'redirect_status' }) redirectStatus!: number;
  @Column('boolean', { name: 'forward_query' }) forwardQuery!: boolean;
  /** In seconds; null: no shared cache may keep the answer. */
  @Column('integer', { name: 'shared_max_age', nullable: true }) sharedMaxAge!: number | null;
  @Column('boolean') archived!: boolean;
  @Column('timestamptz', { name: 'disabled_at', nullable: true }) disabledAt!: Date | null;
  /** What the upkeep found wrong with its destination; null: nothing, or nobody has looked yet. */
  @Column('text', { nullable: true }) flag!: DestinationFlag | null;
  /** Taken down by the platform's operators: visitors find nothing, or a warning. */
  @Column('text', { nullable: true }) takedown!: 'hidden' | 'warning' | null;
  @Column('text', { name: 'created_by' }) createdBy!: string;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}

/** Counters of a link, kept by ingest. */
@Entity('link_stats')
export class LinkStatsEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid', { name: 'link_id' }) linkId!: string;
  @Column('bigint', { transformer: wholeNumber }) clicks!: number;
  @Column('timestamptz', { name: 'last_clicked_at', nullable: true }) lastClickedAt!: Date | null;
}

@Entity('tags')
export class TagEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('text') name!: string;
  @PrimaryColumn('uuid', { name: 'link_id' }) linkId!: string;
}

/** A link with all that is shown of it. */
export interface Link extends LinkEntity {
  /** Hostname of its domain. */
  domain: string;
  tags: string[];
  clicks: number;
  /** Of each UTC day those who had not come before on that day; a sum over days. */
  visitors: number;
  lastClickedAt: Date | null;
}
