import { z } from 'zod';
import { shortLinkOf } from '../domains/domains.reader.js';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicId, publicIdText, toPublicId } from '../platform/ids.js';
import type { Takedown } from './takedowns.repository.js';

export const takedownId = publicId('tkd');

const which = z.string().min(1).max(1000);

export const createTakedown = z
  .strictObject({
    linkId: publicId('link').optional(),
    domain: which.optional().meta({ description: 'With key, in place of linkId' }),
    key: which.optional(),
    reason: z.string().max(1000).trim().min(1).meta({ description: "Stands in the tenant's audit trail" }),
    warning: z.boolean().default(false).meta({ description: 'Whether visitors see a warning, and not just nothing' }),
  })
  .transform(({ linkId, domain, key, ...takedown }, issues) => {
    if (linkId !== undefined && domain === undefined && key === undefined) return { ...takedown, link: { id: linkId } };
    if (linkId === undefined && domain !== undefined && key !== undefined) {
      return { ...takedown, link: { domain, key } };
    }
    issues.addIssue({ code: 'custom', message: 'Give linkId, or domain and key.', params: { code: 'ambiguous_link' } });
    return z.NEVER;
  });
export type CreateTakedown = z.output<typeof createTakedown>;

export const listTakedowns = z.strictObject({
  ...pageQuery,
  inForce: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .default(false)
    .meta({
      type: 'boolean',
      enum: [true, false],
      description: 'Only those that have not been lifted',
    }),
});
export type ListTakedowns = z.output<typeof listTakedowns>;

export const takedownResponse = z.object({
  id: publicIdText('tkd'),
  tenantId: publicIdText('tnt'),
  linkId: publicIdText('link'),
  domain: z.string(),
  key: z.string(),
  shortLink: z.string(),
  url: z.string().meta({ description: 'Where the link led' }),
  reason: z.string(),
  warning: z.boolean(),
  createdAt: z.iso.datetime(),
  liftedAt: z.iso.datetime().nullable(),
});
export const takedownPage = pageOf(takedownResponse);

export const toTakedownResponse = (takedown: Takedown) => ({
  id: toPublicId('tkd', takedown.id),
  tenantId: toPublicId('tnt', takedown.tenantId),
  linkId: toPublicId('link', takedown.linkId),
  domain: takedown.domain,
  key: takedown.key,
  shortLink: shortLinkOf(takedown.domain, takedown.key),
  url: takedown.url,
  reason: takedown.reason,
  warning: takedown.warning,
  createdAt: takedown.createdAt.toISOString(),
  liftedAt: takedown.liftedAt?.toISOString() ?? null,
});
