import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { toPublicId } from '../platform/ids.js';
import { QuotasRecorder } from '../plans/quotas.recorder.js';
import { refuseLastOwner } from './last-owner.js';
import type { MemberEntity } from './member.entity.js';
import { memberEmail, toMemberResponse } from './member.schemas.js';
import { NOT_IN_DIRECTORY, standingOf } from './member-standing.js';
import { MembersRepository } from './members.repository.js';
import type { Role } from './permissions.js';

// What those who map groups to roles have to know of them.
export { roleAboveYours } from './member.errors.js';
export { exceeds, highestRole, type Role, ROLES } from './permissions.js';

/** Somebody as the directory has them. */
export interface ProvisionedPerson {
  /** Of the member, too. */
  id: string;
  userName: string;
  externalId: string | null;
  name: string | null;
  email: string | null;
  active: boolean;
  /** What their groups give; null: nothing. */
  role: Role | null;
}

/** What the directory makes of members, in the transaction of its change. */
@Injectable()
export class ProvisionedMembersRecorder {
  constructor(
    private readonly members: MembersRepository,
    private readonly audit: AuditRecorder,
    private readonly quotas: QuotasRecorder,
  ) {}

  /** Id of the member with this address whom no directory has: whoever was there before it came is not made twice. */
  async knownByAddress(tx: Tx, email: string | null): Promise<string | undefined> {
    const address = addressOf(email);
    if (address === null) return undefined;
    return (await this.members.findOutsideDirectory(tx, address))?.id;
  }

  /**
   * Has members be what the directory says of them.
   *
   * @param absent what to do for somebody who is no member: those who were removed here stay away until the directory
   *   lets them in anew
   * @throws DomainError 409 for the last owner and for an address that another member has; 402
   */
  async settle(tx: Tx, ctx: Context, people: ProvisionedPerson[], absent: 'create' | 'leave'): Promise<void> {
    if (people.length === 0) return;
    let owners = await this.members.lockOwners(tx);
    const ids = people.map(({ id }) => id);
    const known = new Map((await this.members.lockAll(tx, ids)).map((member) => [member.id, member]));
    const changes = people.flatMap((person) => changesOf(known.get(person.id), tx, ctx, person, absent));
    // Who becomes an owner does so first: somebody else may then no longer be the last.
    for (const { before, after } of changes.toSorted((a, b) => Number(isOwner(b.after)) - Number(isOwner(a.after)))) {
      if (before && !isOwner(after)) refuseLastOwner(owners, before);
      await this.keep(tx, before, after);
      await this.record(tx, ctx, before, after);
      owners = [...owners.filter(({ id }) => id !== after.id), ...(isOwner(after) ? [after] : [])];
    }
  }

  /** @throws DomainError 409 for the last owner */
  async remove(tx: Tx, ctx: Context, id: string): Promise<void> {
    const owners = await this.members.lockOwners(tx);
    const [member] = await this.members.lockAll(tx, [id]);
    if (!member) return;
    refuseLastOwner(owners, member);
    await this.members.delete(tx, id);
    const { providerId, subject } = member;
    if (providerId !== null && subject !== null) await this.members.shutOut(tx, { providerId, subject });
    const target = toPublicId('mem', id);
    await this.audit.record(tx, ctx, { action: 'member.removed', target, before: toMemberResponse(member) });
  }

  private async keep(tx: Tx, before: MemberEntity | undefined, after: MemberEntity): Promise<void> {
    if (hasAccess(after) && !(before && hasAccess(before))) {
      await this.quotas.makeRoom(tx, 'members', () => this.members.count(tx));
    }
    if (!before) return this.members.insert(tx, after);
    const { tenantId: _tenant, id, createdAt: _at, createdBy: _by, ...changes } = after;
    await this.members.update(tx, id, changes);
  }

  private async record(tx: Tx, ctx: Context, before: MemberEntity | undefined, after: MemberEntity): Promise<void> {
    await this.audit.record(tx, ctx, {
      action: `member.${changeOf(before, after)}`,
      target: toPublicId('mem', after.id),
      ...(before && { before: toMemberResponse(before) }),
      after: toMemberResponse(after),
    });
  }
}

const hasAccess = ({ status }: MemberEntity): boolean => status !== 'deactivated';

function changeOf(before: MemberEntity | undefined, after: MemberEntity): string {
  if (!before || before.directoryActive === null) return 'provisioned';
  if (hasAccess(before) === hasAccess(after)) return 'updated';
  return hasAccess(after) ? 'activated' : 'deactivated';
}

const isOwner = (member: MemberEntity): boolean => member.role === 'owner' && hasAccess(member);

interface Settled {
  before: MemberEntity | undefined;
  after: MemberEntity;
}

/** What becomes of somebody; nothing where nothing changes. */
function changesOf(
  before: MemberEntity | undefined,
  tx: Tx,
  ctx: Context,
  person: ProvisionedPerson,
  absent: 'create' | 'leave',
): Settled[] {
  if (!before) return absent === 'create' ? [{ before, after: newcomer(tx, ctx, person) }] : [];
  const after = settled(before, person);
  const isSame = isDeepStrictEqual({ ...after, updatedAt: null }, { ...before, updatedAt: null });
  return isSame ? [] : [{ before, after }];
}

/** Null for what is no address: it is no key to anything then. */
const addressOf = (email: string | null): string | null => memberEmail.safeParse(email).data ?? null;

/** A member who was there before the directory came keeps the role that was given here. */
function settled(before: MemberEntity, person: ProvisionedPerson): MemberEntity {
  const own = before.directoryActive === null ? before.role : before.ownRole;
  const known = {
    ...before,
    name: person.name ?? before.name,
    email: addressOf(person.email),
    directoryActive: person.active,
    directoryRole: person.role,
    directoryUserName: person.userName.toLowerCase(),
    directoryExternalId: person.externalId,
    ownRole: own,
    updatedAt: new Date(),
  };
  const after = { ...known, ...standingOf(known) };
  return after.role === 'editor' ? after : { ...after, restrictedDomains: null, restrictedTags: null };
}

function newcomer(tx: Tx, ctx: Context, person: ProvisionedPerson): MemberEntity {
  const now = new Date();
  return settled(
    {
      ...NOT_IN_DIRECTORY,
      directoryActive: person.active,
      tenantId: tx.tenantId,
      id: person.id,
      name: null,
      email: null,
      role: 'viewer',
      status: 'deactivated',
      providerId: null,
      subject: null,
      restrictedDomains: null,
      restrictedTags: null,
      lastSeenAt: null,
      createdBy: ctx.actor,
      createdAt: now,
      updatedAt: now,
    },
    person,
  );
}
