import type { Context, LinkRestrictions } from '../platform/context/context.js';
import { toPublicId } from '../platform/ids.js';
import type { MemberEntity } from './member.entity.js';
import { PERMISSIONS_OF } from './permissions.js';

/** What a request tells of itself, whoever sent it. */
export type RequestFacts = Pick<Context, 'requestId' | 'traceparent' | 'clientAddress' | 'addressPrefix'>;

type Confined = Pick<MemberEntity, 'restrictedDomains' | 'restrictedTags'>;

/** The links a member is confined to; undefined for all. */
function restrictionsOf({ restrictedDomains, restrictedTags }: Confined): LinkRestrictions | undefined {
  if (restrictedDomains === null && restrictedTags === null) return undefined;
  return {
    ...(restrictedDomains && { domainIds: restrictedDomains }),
    ...(restrictedTags && { tags: restrictedTags }),
  };
}

/** The context of what a member asks: the permissions of the role, within the restrictions. */
export const memberContext = (member: MemberEntity, request: RequestFacts): Context => ({
  requestId: request.requestId,
  traceparent: request.traceparent,
  clientAddress: request.clientAddress,
  addressPrefix: request.addressPrefix,
  tenantId: member.tenantId,
  platform: false,
  actor: toPublicId('mem', member.id),
  permissions: new Set(PERMISSIONS_OF[member.role]),
  restrictions: restrictionsOf(member),
});
