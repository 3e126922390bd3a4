import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What was done, by whom and to what. Append-only: the application can neither alter nor delete it. */
@Entity('audit_events')
export class AuditEventEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') action!: string;
  @Column('text') actor!: string;
  @Column('text', { name: 'target_type' }) targetType!: string;
  @Column('text', { name: 'target_id' }) targetId!: string;
  @Column('jsonb', { nullable: true }) before!: object | null;
  @Column('jsonb', { nullable: true }) after!: object | null;
  @Column('text', { name: 'request_id' }) requestId!: string;
  /** The caller's network: /24 of IPv4, /48 of IPv6. */
  @Column('text', { name: 'address_prefix', nullable: true }) addressPrefix!: string | null;
  /** The process that recorded it, and how many events of this tenant that process had committed before. */
  @Column('uuid', { nullable: true }) origin!: string | null;
  @Column('bigint', { name: 'origin_count', nullable: true }) originCount!: string | null;
  @Column('timestamptz', { name: 'occurred_at' }) occurredAt!: Date;
}
