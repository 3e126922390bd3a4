import { z } from 'zod';
import { canonicalRange } from '../platform/http/ip-range.js';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { SCOPES } from './permissions.js';

const DAY = 24 * 3600;

const ipRange = z
  .string()
  .max(50)
  .transform((text, issues) => {
    const range = canonicalRange(text);
    if (range !== undefined) return range;
    issues.addIssue({
      code: 'custom',
      message: 'Use 192.0.2.0/24 or 2001:db8::/32.',
      params: { code: 'invalid_range' },
    });
    return z.NEVER;
  })
  .meta({ type: 'string', example: '192.0.2.0/24' });

export const createApiKey = z.strictObject({
  name: z.string().max(100).trim().min(1),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .transform((scopes) => [...new Set(scopes)])
    .optional()
    .meta({ description: 'What the key may do; all that the asking key may do, when left out' }),
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .refine((time) => time > new Date(), { message: 'This time is past.', params: { code: 'in_the_past' } })
    .nullable()
    .default(null)
    .meta({ type: 'string', format: 'date-time' }),
  allowedIpRanges: z
    .array(ipRange)
    .min(1)
    .max(100)
    .transform((ranges) => [...new Set(ranges)])
    .nullable()
    .default(null)
    .meta({ description: 'Addresses and networks (CIDR) from which the key may be used; from anywhere, when null' }),
});
export type CreateApiKey = z.output<typeof createApiKey>;

export const rotateApiKey = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(7 * DAY)
    .meta({ description: 'For how long the key works as it was until now, too: 0 for a key that has leaked' }),
});
export type RotateApiKey = z.output<typeof rotateApiKey>;

export const listApiKeys = z.strictObject({
  ...pageQuery,
  createdBy: z.string().max(100).optional().meta({ description: 'Public id of the member or key that made them' }),
});
export type ListApiKeys = z.output<typeof listApiKeys>;

const apiKeyResponse = z.object({
  id: publicIdText('key'),
  name: z.string(),
  hint: z.string().meta({ description: 'The last four characters of the key' }),
  scopes: z.array(z.string()),
  allowedIpRanges: z.array(z.string()).nullable(),
  expiresAt: z.iso.datetime().nullable(),
  previousSecretExpiresAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Until when the key works as it was before it was rotated' }),
  lastUsedAt: z.iso.datetime().nullable().meta({ description: 'To the minute' }),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
});
export const apiKeyPage = pageOf(apiKeyResponse);

export const newApiKeyResponse = apiKeyResponse.extend({
  apiKey: z.string().meta({ description: 'The key itself: shown this once' }),
});

export const toApiKeyResponse = (key: ApiKeyEntity) => ({
  id: toPublicId('key', key.id),
  name: key.name,
  hint: key.hint,
  scopes: key.scopes,
  allowedIpRanges: key.allowedIpRanges,
  previousSecretExpiresAt: key.previousSecretExpiresAt?.toISOString() ?? null,
  expiresAt: key.expiresAt?.toISOString() ?? null,
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
  createdBy: key.createdBy,
  createdAt: key.createdAt.toISOString(),
});
