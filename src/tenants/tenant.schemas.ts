import { z } from 'zod';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import type { TenantEntity } from './tenant.entity.js';

const name = z.string().trim().min(1).max(200);
const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'Use 1 to 63 lower-case letters, digits and inner hyphens.');

const clickDetails = z.enum(['full', 'counts']).meta({
  description: 'What is kept of each click: all that is known of it, or nothing but that it was. For clicks to come',
});
const clickRetentionDays = z.int().min(1).max(36_500).nullable().meta({
  description: 'For how many days clicks are kept, if that is less than the platform keeps them. Sums stay',
});

export const createTenant = z.strictObject({ name, slug });
export type CreateTenant = z.output<typeof createTenant>;

/** What operators may change. */
export const updateTenant = z
  .strictObject({
    name,
    slug,
    clickDetails,
    clickRetentionDays,
    suspended: z.boolean().meta({ description: 'API 403 and no redirects while true' }),
  })
  .partial();
export type UpdateTenant = z.output<typeof updateTenant>;

/** What a tenant may change of itself. */
export const updateOwnTenant = z.strictObject({ name, clickDetails }).partial();
export type UpdateOwnTenant = z.output<typeof updateOwnTenant>;

export const listTenants = z.strictObject(pageQuery);
export type ListTenants = z.output<typeof listTenants>;

export const tenantResponse = z.object({
  id: publicIdText('tnt'),
  name: z.string(),
  slug: z.string(),
  clickDetails,
  clickRetentionDays,
  suspendedAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export const tenantPage = pageOf(tenantResponse);

export const newTenantResponse = tenantResponse.extend({
  apiKey: z.string().meta({ description: "The first owner's key: shown this once" }),
});

export const toTenantResponse = (tenant: TenantEntity) => ({
  id: toPublicId('tnt', tenant.id),
  name: tenant.name,
  slug: tenant.slug,
  clickDetails: tenant.clickDetails,
  clickRetentionDays: tenant.clickRetentionDays,
  suspendedAt: tenant.suspendedAt?.toISOString() ?? null,
  createdAt: tenant.createdAt.toISOString(),
  updatedAt: tenant.updatedAt.toISOString(),
});
