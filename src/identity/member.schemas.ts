import { z } from 'zod';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicId, publicIdText, toPublicId } from '../platform/ids.js';
import type { MemberEntity } from './member.entity.js';
import { ROLES } from './permissions.js';

const role = z.enum(ROLES);
const name = z.string().max(200).trim().min(1).nullable();
const list = <T extends z.ZodType<string>>(item: T) =>
  z
    .array(item)
    .min(1)
    .max(100)
    .transform((values) => [...new Set(values)]);

/** In lower case: nobody tells two people apart by the case of an address. */
export const memberEmail = z.string().max(254).trim().toLowerCase().pipe(z.email()).meta({
  type: 'string',
  format: 'email',
  description: 'Unique among the members, in any case',
});

const restrictions = z
  .strictObject({
    domains: list(publicId('dom')).optional().meta({ description: 'Public ids: only links on these domains' }),
    tags: list(z.string().max(50).trim().min(1))
      .optional()
      .meta({ description: 'Only links that have one of these tags' }),
  })
  .refine(({ domains, tags }) => domains !== undefined || tags !== undefined, {
    message: 'Give domains, tags or both; null instead of the object for no restriction.',
    params: { code: 'nothing_restricted' },
  })
  .nullable()
  .meta({ description: 'The links an editor is confined to; both must hold where both are given' });

export const inviteMember = z.strictObject({
  email: memberEmail,
  role,
  name: name.default(null),
  restrictions: restrictions.default(null),
});
export type InviteMember = z.output<typeof inviteMember>;

export const updateMember = z.strictObject({ role, name, restrictions }).partial();
export type UpdateMember = z.output<typeof updateMember>;

export const removeMember = z.strictObject({
  revokeApiKeys: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .default(false)
    .meta({
      type: 'boolean',
      enum: [true, false],
      description: 'Whether the API keys that the member has made, and those made with these, end, too',
    }),
});
export type RemoveMember = z.output<typeof removeMember>;

export const listMembers = z.strictObject(pageQuery);
export type ListMembers = z.output<typeof listMembers>;

export const memberResponse = z.object({
  id: publicIdText('mem'),
  name: z.string().nullable(),
  email: z.string().nullable(),
  role,
  status: z.enum(['invited', 'active', 'deactivated']).meta({
    description: 'Invited until the first login; deactivated while your directory gives them no access',
  }),
  directory: z
    .object({ active: z.boolean(), role: role.nullable() })
    .nullable()
    .meta({ description: 'What your directory says of them (SCIM): `role` is never less than what their groups give' }),
  identity: z
    .object({ provider: publicIdText('idp'), subject: z.string() })
    .nullable()
    .meta({ description: 'Who this is at which identity provider: bound at the first login' }),
  restrictions: z
    .object({ domains: z.array(publicIdText('dom')).optional(), tags: z.array(z.string()).optional() })
    .nullable(),
  lastSeenAt: z.iso.datetime().nullable().meta({ description: 'To the minute' }),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export const memberPage = pageOf(memberResponse);

const shownRestrictions = ({ restrictedDomains, restrictedTags }: MemberEntity) =>
  restrictedDomains === null && restrictedTags === null
    ? null
    : {
        ...(restrictedDomains && { domains: restrictedDomains.map((id) => toPublicId('dom', id)) }),
        ...(restrictedTags && { tags: restrictedTags }),
      };

export const toMemberResponse = (member: MemberEntity) => ({
  id: toPublicId('mem', member.id),
  name: member.name,
  email: member.email,
  role: member.role,
  status: member.status,
  directory: member.directoryActive === null ? null : { active: member.directoryActive, role: member.directoryRole },
  identity:
    member.providerId !== null && member.subject !== null
      ? { provider: toPublicId('idp', member.providerId), subject: member.subject }
      : null,
  restrictions: shownRestrictions(member),
  lastSeenAt: member.lastSeenAt?.toISOString() ?? null,
  createdBy: member.createdBy,
  createdAt: member.createdAt.toISOString(),
  updatedAt: member.updatedAt.toISOString(),
});
