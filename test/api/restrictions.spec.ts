import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { analyticsQuery, exportQuery } from '../../src/analytics/analytics.schemas.js';
import { AnalyticsService } from '../../src/analytics/analytics.service.js';
import { ExportService } from '../../src/analytics/export.service.js';
import { createLink, listLinks, shorten } from '../../src/links/link.schemas.js';
import { LinksService } from '../../src/links/links.service.js';
import type { Context, LinkRestrictions } from '../../src/platform/context/context.js';
import { systemContext } from '../../src/platform/context/system-context.js';
import { ApiServices } from '../support/api-services.js';
import { type DomainBody, newDomain } from '../support/domains.js';
import { eventually, type LinkBody, newTenant, type Tenant, unique, visit } from '../support/waypost.js';

const uuid = (publicId: string): string => TypeID.fromString(publicId).toUUID();
const url = 'https://example.com/';

let services: ApiServices;
let links: LinksService;
let tenant: Tenant;
let press: DomainBody;
/** By where they are and whether they have the tag `press`. */
let there: Record<'tagged' | 'plain' | 'elsewhereTagged' | 'elsewhere', LinkBody>;

beforeAll(async () => {
  services = await ApiServices.open();
  links = services.of(LinksService);
  tenant = await newTenant();
  press = await newDomain(tenant);
  there = {
    tagged: await tenant.link({ domain: press.hostname, tags: ['press'] }),
    plain: await tenant.link({ domain: press.hostname }),
    elsewhereTagged: await tenant.link({ tags: ['press', 'spring'] }),
    elsewhere: await tenant.link({ tags: ['spring'] }),
  };
  for (const { domain, key } of Object.values(there)) expect((await visit(domain, `/${key}`)).status).toBe(302);
});
afterAll(() => services.close());

/** An editor of the tenant, confined to this. */
const editor = (restrictions: LinkRestrictions): Context => ({
  ...systemContext(uuid(tenant.tenantId)),
  actor: 'mem_01h455vb4pex5vsknk084sn02q',
  restrictions,
});

const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );

const CASES = [
  ['a domain', (): LinkRestrictions => ({ domainIds: [uuid(press.id)] }), ['tagged', 'plain']],
  ['a tag', (): LinkRestrictions => ({ tags: ['other', 'press'] }), ['tagged', 'elsewhereTagged']],
  ['both', (): LinkRestrictions => ({ domainIds: [uuid(press.id)], tags: ['press'] }), ['tagged']],
] as Array<[string, () => LinkRestrictions, string[]]>;

describe.each(CASES)('an editor who is confined to %s', (_name, restrictions, within) => {
  it('finds the links within, and no others, by whatever way', async () => {
    const ctx = editor(restrictions());
    for (const [name, { id, domain, key }] of Object.entries(there)) {
      const expected = within.includes(name) ? 'done' : 'link_not_found';
      expect(await outcome(links.get(ctx, uuid(id)))).toBe(expected);
      expect(await outcome(links.getByKey(ctx, { domain, key }))).toBe(expected);
      expect(await outcome(links.update(ctx, uuid(id), { title: name }))).toBe(expected);
    }
    for (const [, { id }] of Object.entries(there).filter(([name]) => !within.includes(name))) {
      expect(await outcome(links.delete(ctx, uuid(id)))).toBe('link_not_found');
    }
    const ids = within.map((name) => there[name as keyof typeof there].id).toSorted();
    for (const query of [{}, { sort: 'clicks' }, { search: 'example' }]) {
      const { data } = await links.list(ctx, listLinks.parse(query));
      expect(data.map(({ id }) => TypeID.fromUUID('link', id).toString()).toSorted()).toEqual(ids);
    }
    expect((await links.list(ctx, listLinks.parse({ tag: 'spring', domain: tenant.domain }))).data.length).toBe(
      within.includes('elsewhereTagged') ? 1 : 0,
    );
  });

  it('sees analytics of the links within alone', async () => {
    const ctx = editor(restrictions());
    const analytics = services.of(AnalyticsService);
    const ask = async (query: object): Promise<object> =>
      (await analytics.answer(ctx, analyticsQuery.parse(query))).answer as object;
    for (const query of [{}, { trigger: 'link' }, { tag: '-nothing' }]) {
      const counted = await eventually(
        () => ask(query),
        (answer) => JSON.stringify(answer) === JSON.stringify({ clicks: within.length }),
        20,
      );
      expect(counted).toEqual({ clicks: within.length });
    }
    const ids = within.map((name) => there[name as keyof typeof there].id).toSorted();
    for (const query of [{ groupBy: 'top_links' }, { groupBy: 'top_links', trigger: 'link' }]) {
      expect(((await ask(query)) as Array<{ id: string }>).map(({ id }) => id).toSorted()).toEqual(ids);
    }
    for (const [name, { id }] of Object.entries(there)) {
      expect(await outcome(ask({ linkId: id }))).toBe(within.includes(name) ? 'done' : 'link_not_found');
    }
    const exported = await services.of(ExportService).stream(ctx, exportQuery.parse({ format: 'ndjson' }));
    expect((await text(exported)).trim().split('\n')).toHaveLength(within.length);
  });
});

describe('a link outside', () => {
  const onPress = (): Context => editor({ domainIds: [uuid(press.id)] });
  const tagged = (): Context => editor({ tags: ['press'] });

  it('is not created', async () => {
    const create = (ctx: Context, input: object) => outcome(links.create(ctx, createLink.parse({ url, ...input })));
    expect(await create(onPress(), {})).toBe('outside_restrictions');
    expect(await create(onPress(), { domain: tenant.domain })).toBe('outside_restrictions');
    expect(await outcome(links.shorten(onPress(), shorten.parse({ url })))).toBe('outside_restrictions');
    expect(await create(onPress(), { domain: press.hostname })).toBe('done');
    expect(await create(tagged(), {})).toBe('outside_restrictions');
    expect(await create(tagged(), { tags: ['spring'] })).toBe('outside_restrictions');
    expect(await create(tagged(), { tags: ['spring', 'press'] })).toBe('done');
  });

  it('is not made out of one within, and one within can be deleted', async () => {
    const { id } = await tenant.link({ domain: press.hostname, key: unique(), tags: ['press'] });
    const update = (ctx: Context, input: object) => outcome(links.update(ctx, uuid(id), input));
    expect(await update(onPress(), { domain: tenant.domain })).toBe('outside_restrictions');
    expect(await update(tagged(), { tags: [] })).toBe('outside_restrictions');
    expect(await update(tagged(), { tags: ['spring'] })).toBe('outside_restrictions');
    expect((await tenant.get<LinkBody>(`/v1/links/${id}`)).body).toMatchObject({
      domain: press.hostname,
      tags: ['press'],
    });
    expect(await update(tagged(), { tags: ['press', 'spring'], domain: tenant.domain })).toBe('done');
    expect(await outcome(links.delete(onPress(), uuid(id)))).toBe('link_not_found');
    expect(await outcome(links.delete(tagged(), uuid(id)))).toBe('done');
  });
});
