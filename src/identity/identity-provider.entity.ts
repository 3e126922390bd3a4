import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { DirectoryMatch } from './mapped-role.js';
import type { Role } from './permissions.js';

/** Whose tokens a tenant takes, and what they make of whom. */
@Entity('identity_providers')
export class IdentityProviderEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  /** Compared letter by letter. Fixed: members are known by what this issuer calls them. */
  @Column('text') issuer!: string;
  /** For whom its tokens are: others of the same issuer are none of ours. */
  @Column('text') audience!: string;
  /** Path of the claim that the mapping reads. */
  @Column('text', { name: 'role_claim', nullable: true }) roleClaim!: string | null;
  /** From a value of the claim to a role. */
  @Column('jsonb', { name: 'role_mapping' }) roleMapping!: Record<string, Role>;
  /** Of a person whose claim has none of the values; null: none. */
  @Column('text', { name: 'default_role', nullable: true }) defaultRole!: Role | null;
  /** For which it can say whose an address is. */
  @Column('text', { name: 'email_domains', array: true }) emailDomains!: string[];
  /** By what its people are known in the directory (SCIM); null: by their address alone. */
  @Column('jsonb', { nullable: true }) directory!: DirectoryMatch | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}
