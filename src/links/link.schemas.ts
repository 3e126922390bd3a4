import { z } from 'zod';
import { shortLinkOf } from '../domains/domains.reader.js';
import { suspicionOf } from '../destinations/destinations.reader.js';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { displayUrl, webUrl } from '../platform/http/web-url.js';
import { publicIdText, toPublicId } from '../platform/ids.js';
import type { Link } from './link.entity.js';
import { parseKey } from './link-key.js';

const DAY = 24 * 3600;
const TEN_YEARS = 10 * 366 * 24 * 3600;

const key = z
  .string()
  .transform((input, issues) => {
    const parsed = parseKey(input);
    if (typeof parsed === 'string') return parsed;
    issues.addIssue({ code: 'custom', message: parsed.message, params: { code: parsed.code } });
    return z.NEVER;
  })
  .meta({ type: 'string', description: '1 to 190 characters; generated when left out', example: 'summer-sale' });

const hostname = z.string().min(1).max(300).meta({ description: 'Hostname of one of your domains' });
const domainOrPrimary = hostname
  .optional()
  .meta({ description: 'Hostname of one of your domains; the primary one when left out' });
const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .meta({ type: 'string', format: 'date-time' });
const tag = z.string().max(50).trim().min(1);

const fields = {
  url: webUrl,
  externalId: z.string().max(255).trim().min(1).nullable().meta({ description: 'Your own id of this link, unique' }),
  title: z.string().max(500).nullable(),
  comments: z.string().max(5000).nullable(),
  tags: z
    .array(tag)
    .max(50)
    .transform((names) => [...new Set(names)].sort()),
  startsAt: time.nullable().meta({ description: 'Before this the link answers as if it did not exist' }),
  expiresAt: time.nullable().meta({ description: 'From this on the link answers 410, or leads to expiredUrl' }),
  expiredUrl: webUrl.nullable(),
  maxClicks: z.int().min(1).nullable().meta({ description: 'Clicks after which the link is expired' }),
  redirectStatus: z.union([z.literal(301), z.literal(302), z.literal(307), z.literal(308)]),
  forwardQuery: z.boolean().meta({ description: "Whether the visitor's query is passed on to the destination" }),
  sharedMaxAge: z.int().min(1).max(DAY).nullable().meta({
    description:
      'Seconds for which shared caches (a CDN) may answer in place of Waypost: such visits are not counted, and an edit is in force there that much later. Not together with maxClicks',
  }),
  archived: z.boolean(),
  disabledAt: time.nullable().meta({ description: 'Since when the link is switched off; null switches it on' }),
};

export const shorten = z.strictObject({
  url: fields.url,
  ttl: z.int().min(1).max(TEN_YEARS).optional().meta({ description: 'Seconds until the link expires' }),
  key: key.optional(),
  domain: domainOrPrimary,
});
export type Shorten = z.output<typeof shorten>;

export const createLink = z.strictObject({
  domain: domainOrPrimary,
  key: key.optional(),
  url: fields.url,
  externalId: fields.externalId.default(null),
  title: fields.title.default(null),
  comments: fields.comments.default(null),
  tags: fields.tags.default([]),
  startsAt: fields.startsAt.default(null),
  expiresAt: fields.expiresAt.default(null),
  expiredUrl: fields.expiredUrl.default(null),
  maxClicks: fields.maxClicks.default(null),
  redirectStatus: fields.redirectStatus.default(302),
  forwardQuery: fields.forwardQuery.default(false),
  sharedMaxAge: fields.sharedMaxAge.default(null),
  archived: fields.archived.default(false),
  disabledAt: fields.disabledAt.default(null),
});
export type CreateLink = z.output<typeof createLink>;

export const updateLink = z.strictObject({ domain: hostname, key, ...fields }).partial();
export type UpdateLink = z.output<typeof updateLink>;

export const listLinks = z.strictObject({
  ...pageQuery,
  search: z.string().max(200).trim().min(1).optional().meta({ description: 'Part of key, destination or title' }),
  domain: hostname.optional(),
  tag: tag.optional(),
  archived: z.enum(['true', 'false', 'all']).default('false'),
  sort: z.enum(['created', 'clicks']).default('created'),
  order: z.enum(['asc', 'desc']).default('desc'),
});
export type ListLinks = z.output<typeof listLinks>;

export const linkInfo = z.strictObject({ domain: hostname, key: z.string().min(1).max(1000) });
export type LinkInfo = z.output<typeof linkInfo>;

export const shortenResponse = z.object({ code: z.string(), shortLink: z.url(), id: publicIdText('link') });

const linkWarning = z.enum(['mixed_script_host', 'lookalike_host', 'destination_listed', 'destination_denied']);

const instant = z.iso.datetime();
export const linkResponse = z.object({
  id: publicIdText('link'),
  domain: z.string(),
  key: z.string(),
  url: z.string(),
  displayUrl: z.string().meta({ description: 'The destination for people: its host in its own letters' }),
  shortLink: z.string(),
  externalId: z.string().nullable(),
  title: z.string().nullable(),
  comments: z.string().nullable(),
  tags: z.array(z.string()),
  startsAt: instant.nullable(),
  expiresAt: instant.nullable(),
  expiredUrl: z.string().nullable(),
  maxClicks: z.int().nullable(),
  redirectStatus: z.int(),
  forwardQuery: z.boolean(),
  sharedMaxAge: z.int().nullable(),
  archived: z.boolean(),
  disabledAt: instant.nullable(),
  takedown: z.enum(['hidden', 'warning']).nullable().meta({
    description: "Taken down by the platform's operators: visitors find nothing, or a warning. It can not be changed",
  }),
  warnings: z.array(linkWarning).meta({ description: 'What is doubtful about the destination' }),
  clicks: z.int(),
  visitors: z.int().meta({ description: 'Each counts once a UTC day' }),
  lastClickedAt: instant.nullable(),
  createdBy: z.string(),
  createdAt: instant,
  updatedAt: instant,
});
export const linkPage = pageOf(linkResponse);

export const toLinkResponse = (link: Link) => ({
  id: toPublicId('link', link.id),
  domain: link.domain,
  key: link.key,
  url: link.url,
  displayUrl: displayUrl(link.url),
  shortLink: shortLinkOf(link.domain, link.key),
  externalId: link.externalId,
  title: link.title,
  comments: link.comments,
  tags: link.tags,
  startsAt: link.startsAt?.toISOString() ?? null,
  expiresAt: link.expiresAt?.toISOString() ?? null,
  expiredUrl: link.expiredUrl,
  maxClicks: link.maxClicks,
  redirectStatus: link.redirectStatus,
  forwardQuery: link.forwardQuery,
  sharedMaxAge: link.sharedMaxAge,
  archived: link.archived,
  disabledAt: link.disabledAt?.toISOString() ?? null,
  takedown: link.takedown,
  warnings: warningsOf(link),
  clicks: link.clicks,
  visitors: link.visitors,
  lastClickedAt: link.lastClickedAt?.toISOString() ?? null,
  createdBy: link.createdBy,
  createdAt: link.createdAt.toISOString(),
  updatedAt: link.updatedAt.toISOString(),
});

function warningsOf({ url, flag }: Pick<Link, 'url' | 'flag'>): Array<z.output<typeof linkWarning>> {
  // The host of nearly every link is in ASCII and needs no second look.
  const suspicion = url.includes('xn--') ? suspicionOf(new URL(url).hostname) : undefined;
  return [suspicion, flag].filter((warning) => warning !== undefined && warning !== null);
}

export const toShortenResponse = (link: Link) => ({
  code: link.key,
  shortLink: shortLinkOf(link.domain, link.key),
  id: toPublicId('link', link.id),
});
