import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A hostname that short links live on. No two tenants can have the same. */
@Entity('domains')
export class DomainEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid') id!: string;
  /** ASCII (punycode), lower case; with a port for localhost alone. */
  @Column('text') hostname!: string;
  /** Used where a request names no domain; one a tenant. */
  @Column('boolean', { name: 'is_primary' }) isPrimary!: boolean;
  /** Whether keys that differ in case are different keys. Fixed once the domain has links. */
  @Column('boolean', { name: 'case_sensitive' }) caseSensitive!: boolean;
  /** Characters of a generated code, 6 to 12. */
  @Column('smallint', { name: 'code_length' }) codeLength!: number;
  @Column('text', { name: 'root_url', nullable: true }) rootUrl!: string | null;
  @Column('text', { name: 'not_found_url', nullable: true }) notFoundUrl!: string | null;
  @Column('text', { name: 'expired_url', nullable: true }) expiredUrl!: string | null;
  /** What the owner puts into DNS to prove that the hostname is theirs. */
  @Column('text', { name: 'verification_token' }) verificationToken!: string;
  /** Null: links on this domain do not redirect yet, or no longer. */
  @Column('timestamptz', { name: 'verified_at', nullable: true }) verifiedAt!: Date | null;
  @Column('timestamptz', { name: 'checked_at', nullable: true }) checkedAt!: Date | null;
  @Column('text', { name: 'check_error', nullable: true }) checkError!: string | null;
  /** Since when checks of a verified domain have found its record missing. */
  @Column('timestamptz', { name: 'failing_since', nullable: true }) failingSince!: Date | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}
