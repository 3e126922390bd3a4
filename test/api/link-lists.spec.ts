import { beforeAll, describe, expect, it } from '@jest/globals';
import { asRole } from '../support/database.js';
import { newDomain } from '../support/domains.js';
import { allPages, everything } from '../support/pages.js';
import { type LinkBody, newTenant, type PageBody, type ProblemBody, type Tenant, unique } from '../support/waypost.js';

const LINKS = 23;
/** Clicks of the links in order of creation: many ties, so that a page often ends within one. */
const CLICKS = [0, 5, 5, 5, 1, 0, 0, 7];

let tenant: Tenant;
let otherDomain: string;
let links: LinkBody[];

beforeAll(async () => {
  tenant = await newTenant();
  otherDomain = (await newDomain(tenant)).hostname;
  links = [];
  for (let n = 0; n < LINKS; n++) {
    links.push(
      await tenant.link({
        url: `https://example.com/page-${n}`,
        title: n === 4 ? 'Große 100%_Aktion' : null,
        tags: [...(n % 2 ? ['odd'] : ['even']), ...(n % 5 === 0 ? ['five'] : [])],
        archived: n % 7 === 0,
        ...(n % 3 === 0 && { domain: otherDomain }),
      }),
    );
  }
  await asRole('postgres', async (client) => {
    for (const [n, { key }] of links.entries()) {
      await client.query(
        `UPDATE link_stats SET clicks = $1 WHERE link_id = (SELECT id FROM links WHERE key = $2 AND url = $3)`,
        [clicksOf(n), key, `https://example.com/page-${n}`],
      );
    }
  });
});

const clicksOf = (n: number): number => CLICKS[n % CLICKS.length] ?? 0;
const numbers = (found: LinkBody[]): number[] => found.map(({ url }) => Number(/\d+$/.exec(url)?.[0]));
const list = async (query: string): Promise<number[]> =>
  numbers(await everything<LinkBody>(tenant, `/v1/links?${query}`));
const where = (matches: (n: number) => boolean): number[] => [...Array(LINKS).keys()].filter(matches).toReversed();

describe('paging through links', () => {
  it.each([1, 4, LINKS - 1, LINKS, 100])('gives every link exactly once with limit %i', async (limit) => {
    const pages = await allPages<LinkBody>(tenant, `/v1/links?archived=all&limit=${limit}`);

    expect(pages.map(({ body }) => body.data.length)).toEqual([
      ...Array<number>(Math.ceil(LINKS / limit) - 1).fill(limit),
      ((LINKS - 1) % limit) + 1,
    ]);
    expect(numbers(pages.flatMap(({ body }) => body.data))).toEqual(where(() => true));
    for (const { body, headers } of pages) {
      const next =
        body.nextCursor && new URLSearchParams({ archived: 'all', limit: String(limit), cursor: body.nextCursor });
      expect(headers.link).toBe(next ? `</v1/links?${next}>; rel="next"` : undefined);
    }
    expect(pages.at(-1)?.body.nextCursor).toBeNull();
  });

  it('shows each link as it is shown by itself', async () => {
    const { body } = await tenant.get<PageBody<LinkBody>>('/v1/links?archived=all&limit=3');
    for (const link of body.data) expect((await tenant.get(`/v1/links/${link.id}`)).body).toEqual(link);
  });

  it('neither repeats nor skips a link when others come and go between two pages', async () => {
    const own = await newTenant();
    for (let n = 0; n < 6; n++) await own.link({ url: `https://example.com/page-${n}` });
    const first = await own.get<PageBody<LinkBody>>('/v1/links?limit=3');
    await own.link({ url: 'https://example.com/page-6' });
    await own.delete(`/v1/links/${first.body.data[2]?.id}`);
    const rest = await own.get<PageBody<LinkBody>>(`/v1/links?limit=3&cursor=${first.body.nextCursor}`);
    expect(numbers(rest.body.data)).toEqual([2, 1, 0]);
  });

  it.each(['asc', 'desc'])('sorts by creation, %s', async (order) => {
    const found = await list(`archived=all&limit=5&sort=created&order=${order}`);
    expect(found).toEqual(order === 'desc' ? where(() => true) : where(() => true).toReversed());
  });

  it.each(['asc', 'desc'])('sorts by clicks, %s, and links with as many by creation', async (order) => {
    for (const limit of [2, 5, 100]) {
      const expected = [...Array(LINKS).keys()].sort((a, b) => clicksOf(a) - clicksOf(b) || a - b);
      const found = await list(`archived=all&limit=${limit}&sort=clicks&order=${order}`);
      expect(found).toEqual(order === 'asc' ? expected : expected.toReversed());
    }
  });
});

describe('filters', () => {
  it.each<[string, (n: number) => boolean]>([
    ['', (n) => n % 7 !== 0],
    ['archived=false', (n) => n % 7 !== 0],
    ['archived=true', (n) => n % 7 === 0],
    ['archived=all&tag=five', (n) => n % 5 === 0],
    ['archived=all&tag=nobody', () => false],
    ['tag=odd', (n) => n % 2 === 1 && n % 7 !== 0],
    ['search=PAGE-1&archived=all', (n) => String(n).startsWith('1')],
    ['search=page-1&archived=all&tag=even', (n) => String(n).startsWith('1') && n % 2 === 0],
    ['search=page-1&archived=true', (n) => String(n).startsWith('1') && n % 7 === 0],
    [`search=${encodeURIComponent('GROSSE')}`, () => false],
    [`search=${encodeURIComponent('große')}`, (n) => n === 4],
    [`search=${encodeURIComponent('100%_a')}`, (n) => n === 4],
    ['search=%25&archived=all', (n) => n === 4],
    ['search=_', (n) => n === 4],
    ['search=%5C', () => false],
  ])('narrows by %j', async (query, matches) => {
    expect(await list(`limit=4&${query}`)).toEqual(where(matches));
    expect([...(await list(`limit=4&sort=clicks&${query}`))].sort((a, b) => b - a)).toEqual(where(matches));
  });

  it('narrows by domain, alone and together with the others', async () => {
    const domain = encodeURIComponent(otherDomain);
    expect(await list(`limit=4&archived=all&domain=${domain}`)).toEqual(where((n) => n % 3 === 0));
    expect(await list(`limit=4&domain=${domain.toUpperCase()}&tag=even&search=page`)).toEqual(
      where((n) => n % 6 === 0 && n % 7 !== 0),
    );
    expect(await list('domain=nobody.example')).toEqual([]);
  });

  it('finds a link by its key and in letters beyond ASCII', async () => {
    const own = await newTenant();
    const link = await own.link({ key: `${unique()}-ÉTÉ`, title: 'Ёлка' });
    for (const search of [link.key.slice(2, 9), '-été', '-ÉTÉ', 'ёЛКА']) {
      const found = await everything<LinkBody>(own, `/v1/links?${new URLSearchParams({ search })}`);
      expect(found.map(({ id }) => id)).toEqual([link.id]);
    }
  });
});

describe('cursors', () => {
  const path = '/v1/links?archived=all&limit=2';
  const cursorOf = async (query = ''): Promise<string> => {
    const { body } = await tenant.get<PageBody<LinkBody>>(path + query);
    if (body.nextCursor === null) throw new Error('There is no next page');
    return body.nextCursor;
  };
  const REFUSED = '422 invalid_cursor';
  const answerTo = async (query: string, caller = tenant): Promise<string> => {
    const { status, body } = await caller.get<ProblemBody>(query);
    return `${status} ${body.errors?.map(({ code }) => code).join()}`;
  };

  it.each(['', '&sort=clicks'])('refuses a cursor changed in any character (%s)', async (sort) => {
    const cursor = await cursorOf(sort);
    for (let at = 0; at < cursor.length; at++) {
      const changed = cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1);
      expect(await answerTo(`${path}${sort}&cursor=${changed}`)).toBe(REFUSED);
    }
    for (const changed of [cursor.slice(0, -1), `${cursor}A`, `${cursor}=`, `${cursor}%20`, `.${cursor}`, 'x', '']) {
      expect(await answerTo(`${path}${sort}&cursor=${changed}`)).toBe(REFUSED);
    }
  });

  it.each(['&sort=clicks', '&order=asc', '&tag=odd', '&search=page', '&domain=nobody.example'])(
    'refuses a cursor of the list without %s',
    async (query) => {
      expect(await answerTo(`${path}${query}&cursor=${await cursorOf()}`)).toBe(REFUSED);
    },
  );

  it("refuses another list's and another tenant's cursor", async () => {
    const cursor = await cursorOf();
    expect(await answerTo(`/v1/links?limit=2&cursor=${cursor}`)).toBe(REFUSED);
    expect(await answerTo(`/v1/audit-events?cursor=${cursor}`)).toBe(REFUSED);
    expect(await answerTo(`/v1/domains?cursor=${cursor}`)).toBe(REFUSED);
    expect(await answerTo(`${path}&cursor=${cursor}`, await newTenant())).toBe(REFUSED);
  });

  it('takes a cursor with another limit', async () => {
    const rest = await tenant.get<PageBody<LinkBody>>(`/v1/links?archived=all&limit=100&cursor=${await cursorOf()}`);
    expect(rest.body.data).toHaveLength(LINKS - 2);
  });

  it.each(['0', '101', '-1', '1.5', 'ten', ''])('refuses limit=%s', async (limit) => {
    for (const route of ['/v1/links', '/v1/domains', '/v1/api-keys', '/v1/audit-events']) {
      const answer = await tenant.get(`${route}?limit=${limit}`);
      expect(answer).toBeProblem(422, 'invalid_input');
      expect(answer.body).toMatchObject({ errors: [{ pointer: '/limit' }] });
    }
  });
});
