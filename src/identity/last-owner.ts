import type { MemberEntity } from './member.entity.js';
import { lastOwner } from './member.errors.js';

/**
 * Somebody must be left who can let others in: an owner, and one who has been here if this one has. An invitation may
 * have gone to nobody.
 */
export function refuseLastOwner(owners: MemberEntity[], { id, role, status }: MemberEntity): void {
  if (role !== 'owner' || status === 'deactivated') return;
  const others = owners.filter((owner) => owner.id !== id && (status === 'invited' || owner.status === 'active'));
  if (others.length === 0) throw lastOwner();
}
