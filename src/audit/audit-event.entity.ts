import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One change, who made it and what it changed. Append-only: the application can neither alter nor delete it. */
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
  @Column('timestamptz', { name: 'occurred_at' }) occurredAt!: Date;
}
