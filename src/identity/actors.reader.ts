import { Injectable } from '@nestjs/common';
import type { Context, Tx } from '../platform/context/context.js';
import { publicId } from '../platform/ids.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { forbidden, unauthenticated } from './api-key.errors.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { MembersRepository } from './members.repository.js';
import { PERMISSIONS_OF } from './permissions.js';

const keyId = publicId('key');
const memberId = publicId('mem');

/** Whoever asks, as they are in the transaction. */
interface Actor {
  permissions: ReadonlySet<string>;
  /** Absent where a member asks. */
  key?: ApiKeyEntity;
}

/** Id of the member who asks; undefined for an API key. */
export const askingMember = ({ actor }: Context): string | undefined => memberId.safeParse(actor).data;

@Injectable()
export class ActorsReader {
  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly members: MembersRepository,
  ) {}

  /**
   * Reads whoever asks and holds them until the transaction ends. A request is let in by what is remembered for a while,
   * but rights are given by who has them, or they would outlive their giver: they are given before these are taken away,
   * or not at all.
   *
   * @throws DomainError 401 for who is gone or has no access any more, 403 for who lost this permission
   */
  async holding(tx: Tx, ctx: Context, permission: string): Promise<Actor> {
    const actor = (await this.asKey(tx, ctx)) ?? (await this.asMember(tx, ctx));
    if (!actor) throw unauthenticated();
    if (!actor.permissions.has(permission)) throw forbidden(permission);
    return actor;
  }

  // Not FOR SHARE: of two requests that both held a key like that, and are to rotate it, neither could go on.
  private async asKey(tx: Tx, { actor }: Context): Promise<Actor | undefined> {
    const { data: id } = keyId.safeParse(actor);
    const key = id === undefined ? null : await this.keys.lock(tx, id);
    if (!key || (key.expiresAt && key.expiresAt <= new Date())) return undefined;
    return { permissions: new Set(key.scopes), key };
  }

  private async asMember(tx: Tx, ctx: Context): Promise<Actor | undefined> {
    const id = askingMember(ctx);
    const member = id === undefined ? undefined : (await this.members.lockAll(tx, [id]))[0];
    if (!member || member.status === 'deactivated') return undefined;
    return { permissions: new Set(PERMISSIONS_OF[member.role]) };
  }
}
