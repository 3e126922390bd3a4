import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An event that waits to be carried to the bus. */
@Entity('outbox')
export class OutboxEventEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid') id!: string;
  /** Dot-separated, such as `link.updated`. */
  @Column('text') topic!: string;
  @Column('jsonb') payload!: object;
  @Column('text', { nullable: true }) traceparent!: string | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
}
