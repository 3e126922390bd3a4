import { z } from 'zod';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import type { TenantEntity } from './tenant.entity.js';

const name = z.string().max(200).trim().min(1);
const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'Use 1 to 63 lower-case letters, digits and inner hyphens.');

const clickDetails = z.enum(['full', 'counts']).meta({
  description: 'What is kept of each click: all that is known of it, or nothing but that it was. For clicks to come',
});
const clickRetentionDays = z.int().min(1).max(36_500).nullable().meta({
  description: 'For how many days clicks are kept, if that is less than the platform keeps them. Sums stay',
});

const plan = z.string().max(50).trim().min(1).meta({ description: 'What the plan is called: for people' });
const most = (what: string, least = 0) =>
  z
    .int()
    .min(least)
    .max(2_000_000_000)
    .nullable()
    .meta({ description: `${what}; null: the platform's own limit` });
const ownLimits = z.strictObject({
  linksPerMonth: most('Links created in a calendar month (UTC)'),
  domains: most('Domains at a time'),
  members: most('Members at a time'),
  requestsPerMinute: most('Requests to the API', 1),
});

export const createTenant = z.strictObject({
  name,
  slug,
  plan: plan.default('standard'),
  limits: ownLimits.partial().default({}),
});
export type CreateTenant = z.output<typeof createTenant>;

const redirectsWhileSuspended = z.boolean().meta({ description: 'Whether its links redirect while it is suspended' });

/** What operators may change. */
export const updateTenant = z
  .strictObject({
    name,
    slug,
    clickDetails,
    clickRetentionDays,
    suspended: z.boolean().meta({ description: 'API 403 while true, and no redirects unless redirectsWhileSuspended' }),
    redirectsWhileSuspended,
    plan,
    limits: ownLimits.partial(),
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
  redirectsWhileSuspended,
  plan: z.string(),
  limits: ownLimits,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});

const inForce = z.int().nullable();

/** A tenant as it sees itself: the limits are those in force, null: none. */
export const ownTenantResponse = tenantResponse.extend({
  limits: z.object({ linksPerMonth: inForce, domains: inForce, members: inForce, requestsPerMinute: inForce }),
  usage: z.object({
    links: z.int().meta({ description: 'Created this month, deleted ones too' }),
    linksResetAt: z.iso.datetime(),
    domains: z.int(),
    members: z.int(),
  }),
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
  redirectsWhileSuspended: tenant.redirectsWhileSuspended,
  plan: tenant.plan,
  limits: limitsOf(tenant),
  createdAt: tenant.createdAt.toISOString(),
  updatedAt: tenant.updatedAt.toISOString(),
});

/** The tenant's own. */
export const limitsOf = ({ linksPerMonth, maxDomains, maxMembers, requestsPerMinute }: TenantEntity) => ({
  linksPerMonth,
  domains: maxDomains,
  members: maxMembers,
  requestsPerMinute,
});
