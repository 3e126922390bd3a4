import { Injectable } from '@nestjs/common';
import { Any, IsNull, MoreThan, Not } from 'typeorm';
import { isUniqueViolation } from '../platform/database/database-errors.js';
import type { Tx } from '../platform/context/context.js';
import type { DirectoryKey } from './mapped-role.js';
import { MemberEntity } from './member.entity.js';
import { emailTaken, memberNotFound } from './member.errors.js';

/** The person as their identity provider names them. */
export interface Identity {
  providerId: string;
  subject: string;
}

export type MemberChanges = Partial<Omit<MemberEntity, 'tenantId' | 'id' | 'createdAt' | 'createdBy'>>;

@Injectable()
export class MembersRepository {
  async insert(tx: Tx, member: MemberEntity): Promise<void> {
    await unlessTaken(tx.manager.insert(MemberEntity, member), member.email);
  }

  /** Unless there is one with this identity or this address, which is no error. */
  async insertNew(tx: Tx, member: MemberEntity): Promise<void> {
    await tx.manager
      .createQueryBuilder()
      .insert()
      .into(MemberEntity)
      .values(member)
      .orIgnore()
      .updateEntity(false)
      .execute();
  }

  findByIdentity(tx: Tx, { providerId, subject }: Identity): Promise<MemberEntity | null> {
    return tx.manager.findOneBy(MemberEntity, { tenantId: tx.tenantId, providerId, subject });
  }

  /** @returns whether there was an invitation of this address */
  async accept(tx: Tx, email: string, { providerId, subject }: Identity, now: Date): Promise<boolean> {
    const { affected } = await tx.manager.update(
      MemberEntity,
      { tenantId: tx.tenantId, email, status: 'invited' },
      { providerId, subject, status: 'active', lastSeenAt: now, updatedAt: now },
    );
    return affected === 1;
  }

  /** Of the directory's users, whether or not they have access. */
  isInDirectory(tx: Tx, key: DirectoryKey): Promise<boolean> {
    return tx.manager.existsBy(MemberEntity, { tenantId: tx.tenantId, ...columnOf(key) });
  }

  /** @returns whether the directory has somebody who may come and has not been here yet */
  async bind(tx: Tx, key: DirectoryKey, { providerId, subject }: Identity, now: Date): Promise<boolean> {
    const { affected } = await tx.manager.update(
      MemberEntity,
      { tenantId: tx.tenantId, ...columnOf(key), status: 'invited', providerId: IsNull() },
      { providerId, subject, status: 'active', lastSeenAt: now, updatedAt: now },
    );
    return affected === 1;
  }

  /** Whoever has access, or could have at once: the plan counts these. */
  count(tx: Tx): Promise<number> {
    return tx.manager.countBy(MemberEntity, { tenantId: tx.tenantId, status: Not('deactivated') });
  }

  /** In order of invitation, one more than asked for when there are more. */
  list(tx: Tx, limit: number, afterId: string | undefined): Promise<MemberEntity[]> {
    return tx.manager.find(MemberEntity, {
      where: { tenantId: tx.tenantId, ...(afterId && { id: MoreThan(afterId) }) },
      order: { id: 'ASC' },
      take: limit + 1,
    });
  }

  /**
   * Reads the owners and holds them until the transaction ends: of two requests that each remove one of the last two,
   * the second sees what the first did. Taken before any other member is, always: in both orders, two would wait for
   * each other.
   */
  lockOwners(tx: Tx): Promise<MemberEntity[]> {
    return tx.manager.find(MemberEntity, {
      where: { tenantId: tx.tenantId, role: 'owner', status: Not('deactivated') },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** Reads a member and holds it until the transaction ends, along with these others. */
  async lock(tx: Tx, id: string, others: readonly string[] = []): Promise<MemberEntity> {
    const member = (await this.lockAll(tx, [id, ...others])).find((found) => found.id === id);
    if (!member) throw memberNotFound();
    return member;
  }

  /** Those of these that are there, in the order in which everybody takes them. */
  lockAll(tx: Tx, ids: readonly string[]): Promise<MemberEntity[]> {
    return tx.manager.find(MemberEntity, {
      where: { tenantId: tx.tenantId, id: Any(ids) },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** The member with this address whom no directory has. */
  findOutsideDirectory(tx: Tx, email: string): Promise<MemberEntity | null> {
    return tx.manager.findOneBy(MemberEntity, { tenantId: tx.tenantId, email, directoryActive: IsNull() });
  }

  async update(tx: Tx, id: string, changes: MemberChanges): Promise<void> {
    await unlessTaken(tx.manager.update(MemberEntity, { tenantId: tx.tenantId, id }, changes), changes.email);
  }

  async delete(tx: Tx, id: string): Promise<void> {
    await tx.manager.delete(MemberEntity, { tenantId: tx.tenantId, id });
  }

  /** A role mapping makes no member of this person any more. */
  async shutOut(tx: Tx, { providerId, subject }: Identity): Promise<void> {
    await tx.manager.query(
      `INSERT INTO removed_identities (tenant_id, provider_id, subject, removed_at) VALUES ($1, $2, $3, now())
       ON CONFLICT DO NOTHING`,
      [tx.tenantId, providerId, subject],
    );
  }

  async isShutOut(tx: Tx, { providerId, subject }: Identity): Promise<boolean> {
    const [row] = (await tx.manager.query(
      `SELECT EXISTS (
         SELECT FROM removed_identities WHERE tenant_id = $1 AND provider_id = $2 AND subject = $3
       ) AS removed`,
      [tx.tenantId, providerId, subject],
    )) as [{ removed: boolean }];
    return row.removed;
  }

  async letIn(tx: Tx, { providerId, subject }: Identity): Promise<void> {
    await tx.manager.query(
      'DELETE FROM removed_identities WHERE tenant_id = $1 AND provider_id = $2 AND subject = $3',
      [tx.tenantId, providerId, subject],
    );
  }
}

const columnOf = ({ attribute, value }: DirectoryKey) =>
  attribute === 'userName' ? { directoryUserName: value.toLowerCase() } : { directoryExternalId: value };

async function unlessTaken(work: Promise<unknown>, email: string | null | undefined): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw isUniqueViolation(error, 'members_email') ? emailTaken(email ?? '') : error;
  }
}
