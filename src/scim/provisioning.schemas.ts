import { z } from 'zod';
import { ROLES } from '../identity/provisioned-members.recorder.js';

const role = z.enum(ROLES);

export const putProvisioning = z.strictObject({
  groupRoles: z
    .record(z.string().max(254).trim().min(1), role)
    .refine((roles) => Object.keys(roles).length <= 200, { message: 'Name at most 200 groups.' })
    .default({})
    .meta({
      description:
        'From the displayName of a group, in any case, to a role; of several, the one that may do most counts',
    }),
  defaultRole: role.nullable().default(null).meta({
    description: 'Role of provisioned people who are in none of these groups; null: no access',
  }),
});
export type PutProvisioning = z.output<typeof putProvisioning>;

export const provisioningResponse = z.object({
  groupRoles: z.record(z.string(), role),
  defaultRole: role.nullable(),
});
