import { z } from 'zod';
import { parseHostname } from '../platform/http/hostname.js';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import { parseIssuer } from '../platform/tokens/issuer.js';
import type { IdentityProviderEntity } from './identity-provider.entity.js';
import { ROLES } from './permissions.js';

const role = z.enum(ROLES);

const issuer = z
  .string()
  .max(500)
  .refine((text) => parseIssuer(text) !== undefined, {
    message: 'Use the https URL that the provider calls itself, in its canonical form, without query or fragment.',
    params: { code: 'invalid_issuer' },
  })
  .meta({
    example: 'https://id.example.com/realms/main',
    description: 'Exactly as it stands in tokens (`iss`) and in the discovery document. It can not be changed later',
  });

const emailDomain = z
  .string()
  .max(300)
  .transform((input, issues) => {
    const parsed = parseHostname(input);
    if (parsed !== undefined) return parsed;
    issues.addIssue({
      code: 'custom',
      message: 'Use a domain such as example.com.',
      params: { code: 'invalid_hostname' },
    });
    return z.NEVER;
  })
  .meta({ type: 'string', example: 'example.com' });

const settings = {
  name: z.string().max(100).trim().min(1),
  audience: z.string().min(1).max(500).meta({ description: 'The value of `aud` in tokens that are meant for Waypost' }),
  roleClaim: z.string().min(1).max(200).nullable().meta({
    description: 'Path of the claim with groups or roles, such as `groups` or `realm_access.roles`',
  }),
  roleMapping: z
    .record(z.string().min(1).max(200), role)
    .refine((mapping) => Object.keys(mapping).length <= 200, { message: 'Map at most 200 values.' })
    .meta({ description: 'From values of that claim to roles; of several, the one that may do most counts' }),
  defaultRole: role.nullable().meta({
    description: 'Role of a person who has none by the mapping; null: only who is invited gets in',
  }),
  emailDomains: z.array(emailDomain).max(100).meta({
    description:
      'Domains for which this provider may say whose an e-mail address is: invitations are taken up by these',
  }),
  directory: z
    .strictObject({
      claim: z.string().min(1).max(200).meta({ description: 'Path of a claim, such as `oid` or `sub`' }),
      attribute: z.enum(['externalId', 'userName']),
    })
    .nullable()
    .meta({ description: 'Which claim is which attribute of the users that SCIM provisions: see docs/scim.md' }),
};

export const createIdentityProvider = z.strictObject({
  ...settings,
  issuer,
  roleClaim: settings.roleClaim.default(null),
  roleMapping: settings.roleMapping.default({}),
  defaultRole: settings.defaultRole.default(null),
  emailDomains: settings.emailDomains.default([]),
  directory: settings.directory.default(null),
});
export type CreateIdentityProvider = z.output<typeof createIdentityProvider>;

export const updateIdentityProvider = z.strictObject(settings).partial();
export type UpdateIdentityProvider = z.output<typeof updateIdentityProvider>;

export const listIdentityProviders = z.strictObject(pageQuery);
export type ListIdentityProviders = z.output<typeof listIdentityProviders>;

export const identityProviderResponse = z.object({
  id: publicIdText('idp'),
  name: z.string(),
  issuer: z.string(),
  audience: z.string(),
  roleClaim: z.string().nullable(),
  roleMapping: z.record(z.string(), role),
  defaultRole: role.nullable(),
  emailDomains: z.array(z.string()),
  directory: z.object({ claim: z.string(), attribute: z.string() }).nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export const identityProviderPage = pageOf(identityProviderResponse);

export const toIdentityProviderResponse = (provider: IdentityProviderEntity) => ({
  id: toPublicId('idp', provider.id),
  name: provider.name,
  issuer: provider.issuer,
  audience: provider.audience,
  roleClaim: provider.roleClaim,
  roleMapping: provider.roleMapping,
  defaultRole: provider.defaultRole,
  emailDomains: provider.emailDomains,
  directory: provider.directory,
  createdAt: provider.createdAt.toISOString(),
  updatedAt: provider.updatedAt.toISOString(),
});
