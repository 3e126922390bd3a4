import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('idempotency_records')
export class IdempotencyRecordEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('text') principal!: string;
  @PrimaryColumn('text') key!: string;
  /** SHA-256 of method, path and body. */
  @Column('bytea', { name: 'request_hash' }) requestHash!: Buffer;
  @Column('smallint') status!: number;
  /** The answer, encrypted: it may hold a secret that is shown once. */
  @Column('bytea', { name: 'sealed_body' }) sealedBody!: Buffer;
  @Column('timestamptz', { name: 'expires_at' }) expiresAt!: Date;
}
