import { describe, expect, it } from '@jest/globals';
import { linkUuid, rowsOf, tenantUuid } from '../support/ingest.js';
import { eventually, type LinkBody, newTenant, type Tenant, visit } from '../support/waypost.js';

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1';
const HEADERS = {
  'user-agent': PHONE,
  referer: 'https://news.example/today?who=me',
  'accept-language': 'de-AT,de;q=0.9,en;q=0.5',
  'x-test-country': 'AT',
};
const WHAT = `
  SELECT continent, country, region, city, device, browser, os, referrer_host, language, utm_source, utm_campaign, trigger,
         bot, first_of_link, first_of_tenant
  FROM clicks WHERE tenant_id = $1 AND link_id = $2`;

async function clickOf(headers: Record<string, string>): Promise<unknown> {
  const tenant: Tenant = await newTenant();
  const link: LinkBody = await tenant.link();
  const path = `/${link.key}?utm_source=mail&utm_campaign=spring%20sale&qr=1`;
  expect((await visit(tenant.domain, path, { headers })).status).toBe(302);
  const found = await eventually(
    () => rowsOf(WHAT, [tenantUuid(tenant), linkUuid(link)]),
    (rows) => rows.length > 0,
    30,
  );
  return found[0];
}

describe('a visit', () => {
  it('is stored with what its headers and its address line say', async () => {
    expect(await clickOf(HEADERS)).toEqual({
      continent: 'EU',
      country: 'AT',
      region: null,
      city: null,
      device: 'mobile',
      browser: 'Safari',
      os: 'iOS',
      referrer_host: 'news.example',
      language: 'de',
      utm_source: 'mail',
      utm_campaign: 'spring sale',
      trigger: 'qr',
      bot: false,
      first_of_link: true,
      first_of_tenant: true,
    });
  });

  it.each([{ 'sec-gpc': '1' }, { dnt: '1' }])('of one who opts out with %j has a country and no more', async (wish) => {
    const click = (await clickOf({ ...HEADERS, ...wish })) as Record<string, unknown>;
    const said = Object.entries(click).filter(([, value]) => value !== null && value !== false);
    expect(Object.fromEntries(said)).toEqual({ continent: 'EU', country: 'AT', trigger: 'link' });
  });
});
