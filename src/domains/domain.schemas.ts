import { z } from 'zod';
import { displayHostname, parseHostname } from '../platform/http/hostname.js';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { webUrl } from '../platform/http/web-url.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import type { DomainEntity } from './domain.entity.js';
import { verificationRecord } from './verification.js';

const hostname = z
  .string()
  .max(300)
  .transform((input, issues) => {
    const parsed = parseHostname(input);
    if (parsed !== undefined) return parsed;
    issues.addIssue({
      code: 'custom',
      message: 'Use a hostname such as go.example.com, without scheme, path or port.',
      params: { code: 'invalid_hostname' },
    });
    return z.NEVER;
  })
  .meta({ type: 'string', example: 'go.example.com' });

const settings = {
  caseSensitive: z.boolean(),
  codeLength: z.number().int().min(6).max(12).meta({ description: 'Characters of a generated code' }),
  rootUrl: webUrl.nullable().meta({ description: 'Where the bare domain leads' }),
  notFoundUrl: webUrl.nullable().meta({ description: 'Where an unknown key leads' }),
  expiredUrl: webUrl.nullable().meta({ description: 'Where an expired link leads that names no place of its own' }),
};

export const createDomain = z
  .strictObject({
    hostname: hostname.optional(),
    slug: hostname.optional().meta({ description: 'Another name for hostname' }),
    primary: z.boolean().optional(),
    ...settings,
    caseSensitive: settings.caseSensitive.default(true),
    codeLength: settings.codeLength.default(7),
    rootUrl: settings.rootUrl.default(null),
    notFoundUrl: settings.notFoundUrl.default(null),
    expiredUrl: settings.expiredUrl.default(null),
  })
  .transform(({ slug, ...input }, issues) => {
    const given = input.hostname ?? slug;
    if (given !== undefined) return { ...input, hostname: given };
    issues.addIssue({
      code: 'custom',
      path: ['hostname'],
      message: 'A hostname is required.',
      params: { code: 'required' },
    });
    return z.NEVER;
  });
export type CreateDomain = z.output<typeof createDomain>;

export const updateDomain = z.strictObject({ primary: z.boolean(), ...settings }).partial();
export type UpdateDomain = z.output<typeof updateDomain>;

export const listDomains = z.strictObject(pageQuery);
export type ListDomains = z.output<typeof listDomains>;

/** What a visitor's TLS handshake asked for may be no hostname at all: then it is none of ours, and no fault of the proxy's. */
export const askForCertificate = z.strictObject({ domain: z.string().min(1).max(300) });
export type AskForCertificate = z.output<typeof askForCertificate>;

export const domainResponse = z.object({
  id: publicIdText('dom'),
  hostname: z.string().meta({ description: 'ASCII form (punycode)' }),
  displayHostname: z.string().meta({ description: 'Form for people' }),
  slug: z.string().meta({ description: 'The hostname again, under the name other link platforms use' }),
  primary: z.boolean(),
  caseSensitive: z.boolean(),
  codeLength: z.int(),
  rootUrl: z.string().nullable(),
  notFoundUrl: z.string().nullable(),
  expiredUrl: z.string().nullable(),
  verified: z.boolean(),
  verifiedAt: z.iso.datetime().nullable(),
  checkedAt: z.iso.datetime().nullable(),
  checkError: z.string().nullable().meta({ description: 'Why the last check did not succeed' }),
  verification: z.object({ type: z.literal('TXT'), name: z.string(), value: z.string() }).meta({
    description: 'The DNS record that proves ownership',
  }),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export const domainPage = pageOf(domainResponse);

export const toDomainResponse = (domain: DomainEntity) => ({
  id: toPublicId('dom', domain.id),
  hostname: domain.hostname,
  displayHostname: displayHostname(domain.hostname),
  slug: domain.hostname,
  primary: domain.isPrimary,
  caseSensitive: domain.caseSensitive,
  codeLength: domain.codeLength,
  rootUrl: domain.rootUrl,
  notFoundUrl: domain.notFoundUrl,
  expiredUrl: domain.expiredUrl,
  verified: domain.verifiedAt !== null,
  verifiedAt: domain.verifiedAt?.toISOString() ?? null,
  checkedAt: domain.checkedAt?.toISOString() ?? null,
  checkError: domain.checkError,
  verification: verificationRecord(domain.hostname, domain.verificationToken),
  createdAt: domain.createdAt.toISOString(),
  updatedAt: domain.updatedAt.toISOString(),
});
