import { z } from 'zod';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { SCOPES } from './permissions.js';

export const createApiKey = z.strictObject({
  name: z.string().trim().min(1).max(100),
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
});
export type CreateApiKey = z.output<typeof createApiKey>;

export const listApiKeys = z.strictObject(pageQuery);
export type ListApiKeys = z.output<typeof listApiKeys>;

const apiKeyResponse = z.object({
  id: publicIdText('key'),
  name: z.string(),
  hint: z.string().meta({ description: 'The last four characters of the key' }),
  scopes: z.array(z.string()),
  expiresAt: z.iso.datetime().nullable(),
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
  expiresAt: key.expiresAt?.toISOString() ?? null,
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
  createdBy: key.createdBy,
  createdAt: key.createdAt.toISOString(),
});
