import { Inject, Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { newId, toPublicId } from '../platform/ids.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { QuotasRecorder } from '../plans/quotas.recorder.js';
import type { DirectoryKey } from './mapped-role.js';
import { memberContext, type RequestFacts } from './member-context.js';
import type { MemberEntity } from './member.entity.js';
import { NOT_IN_DIRECTORY } from './member-standing.js';
import { memberEmail, toMemberResponse } from './member.schemas.js';
import { type Identity, MembersRepository } from './members.repository.js';
import type { Role } from './permissions.js';

const NOTED_EVERY_MS = 60_000;

/** What an identity provider vouches for. */
export interface Person extends Identity {
  /** Only if the provider has verified it: it is what an invitation is taken up with. */
  email?: string | undefined;
  name?: string | undefined;
  /** What the provider's role mapping gives; undefined for no role. */
  mappedRole?: Role | undefined;
  /** Who this is among the directory's users (SCIM). */
  directoryKey?: DirectoryKey | undefined;
}

/** Who a person is in a tenant. */
@Injectable()
export class MembersReader {
  constructor(
    private readonly transactions: Transactions,
    private readonly members: MembersRepository,
    private readonly audit: AuditRecorder,
    private readonly quotas: QuotasRecorder,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * The member that this person is: known from an earlier login, else provisioned by the directory, else invited under
   * this address, else made by the role mapping, unless they were removed. Whom the directory has is let in by it alone. Afterwards the member's own role counts: the mapping and the address are looked at in the first login alone.
   *
   * @returns undefined for somebody with no business in this tenant
   * @throws DomainError 402 where the plan has no room for another member
   */
  async memberOf(tx: Tx, person: Person, request: RequestFacts): Promise<MemberEntity | undefined> {
    const known = await this.members.findByIdentity(tx, person);
    if (known) return withAccess(known);
    const { directoryKey } = person;
    if (directoryKey && (await this.members.isInDirectory(tx, directoryKey))) {
      return this.fromDirectory(tx, person, directoryKey, request);
    }
    const email = memberEmail.safeParse(person.email).data;
    if (email !== undefined && (await this.members.accept(tx, email, person, new Date()))) {
      await this.members.letIn(tx, person);
      return this.joined(tx, person, request);
    }
    if (person.mappedRole === undefined || (await this.members.isShutOut(tx, person))) return undefined;
    await this.quotas.makeRoom(tx, 'members', () => this.members.count(tx));
    await this.members.insertNew(tx, newMember(tx, person, person.mappedRole, email));
    return this.joined(tx, person, request);
  }

  count(tx: Tx): Promise<number> {
    return this.members.count(tx);
  }

  /** Beside the request, once a minute and member: nobody waits for it, and a failure costs a date. */
  noteSeen(ctx: Context, { id, lastSeenAt }: MemberEntity): void {
    if (lastSeenAt && Date.now() - lastSeenAt.getTime() < NOTED_EVERY_MS) return;
    this.transactions
      .run({ ...ctx, tx: undefined }, (tx) => this.members.update(tx, id, { lastSeenAt: new Date() }))
      .catch((error: unknown) => this.logger.warn({ reason: String(error) }, 'That a member was seen was not noted'));
  }

  /** Somebody else may just have been let in as the same person: then they are known by now. */
  private async fromDirectory(
    tx: Tx,
    person: Person,
    key: DirectoryKey,
    request: RequestFacts,
  ): Promise<MemberEntity | undefined> {
    if (!(await this.members.bind(tx, key, person, new Date()))) {
      return withAccess(await this.members.findByIdentity(tx, person));
    }
    await this.members.letIn(tx, person);
    return this.joined(tx, person, request);
  }

  /** Undefined where nothing was made because another member has the address: an address alone makes nobody another. */
  private async joined(tx: Tx, person: Person, request: RequestFacts): Promise<MemberEntity | undefined> {
    const member = await this.members.findByIdentity(tx, person);
    if (!member) return undefined;
    await this.audit.record(tx, memberContext(member, request), {
      action: 'member.joined',
      target: toPublicId('mem', member.id),
      after: toMemberResponse(member),
    });
    return member;
  }
}

const withAccess = (member: MemberEntity | null): MemberEntity | undefined =>
  member === null || member.status === 'deactivated' ? undefined : member;

function newMember(tx: Tx, person: Person, role: Role, email: string | undefined): MemberEntity {
  const now = new Date();
  const id = newId();
  return {
    tenantId: tx.tenantId,
    id,
    name: person.name ?? null,
    email: email ?? null,
    role,
    status: 'active',
    providerId: person.providerId,
    subject: person.subject,
    ...NOT_IN_DIRECTORY,
    restrictedDomains: null,
    restrictedTags: null,
    lastSeenAt: now,
    createdBy: toPublicId('mem', id),
    createdAt: now,
    updatedAt: now,
  };
}
