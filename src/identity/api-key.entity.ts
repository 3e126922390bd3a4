import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A program's credentials. Of the secret there is only its hash: nobody can read it again. */
@Entity('api_keys')
export class ApiKeyEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  /** The last characters, by which people tell keys apart. */
  @Column('text') hint!: string;
  /** SHA-256 of the whole key, which has 190 random bits: no salt or stretching is needed. */
  @Column('bytea', { name: 'secret_hash' }) secretHash!: Buffer;
  /** What the key was until it was rotated, and until when that works. */
  @Column('bytea', { name: 'previous_secret_hash', nullable: true }) previousSecretHash!: Buffer | null;
  @Column('timestamptz', { name: 'previous_secret_expires_at', nullable: true }) previousSecretExpiresAt!: Date | null;
  @Column('text', { array: true }) scopes!: string[];
  /** As canonicalRange writes them; null: from anywhere. */
  @Column('text', { name: 'allowed_ip_ranges', array: true, nullable: true }) allowedIpRanges!: string[] | null;
  @Column('timestamptz', { name: 'expires_at', nullable: true }) expiresAt!: Date | null;
  /** To the minute. */
  @Column('timestamptz', { name: 'last_used_at', nullable: true }) lastUsedAt!: Date | null;
  @Column('text', { name: 'created_by' }) createdBy!: string;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
}
