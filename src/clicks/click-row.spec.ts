import { describe, expect, it } from '@jest/globals';
import type { SpooledClick } from './click.js';
import { rowOf } from './click-row.js';

const click: SpooledClick = {
  id: 'i',
  segment: 's',
  occurredAt: Date.parse('2026-11-23T12:00:00Z'),
  tenantId: 't',
  domainId: 'd',
  linkId: 'l',
  address: '192.0.2.77',
  userAgent:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  referrer: 'https://news.example/a',
  language: 'de-AT',
  country: 'DE',
  query: 'utm_source=mail&qr=1',
  optedOut: false,
};
const place = { continent: 'EU', country: 'DE', region: 'DE-BE', city: 'Berlin' };
const visitor = Buffer.alloc(16, 7);
const counted = {
  tenant_id: 't',
  id: 'i',
  segment: 's',
  link_id: 'l',
  domain_id: 'd',
  occurred_at: '2026-11-23T12:00:00.000Z',
  bot: false,
};
/** As it is sent to the database. */
const sent = (row: object): object => JSON.parse(JSON.stringify(row)) as object;

describe('what is stored of a click', () => {
  it('is all that is known, and no address', () => {
    const row = rowOf(click, place, visitor);
    expect(sent(row)).toEqual({
      ...counted,
      ...place,
      utm_source: 'mail',
      trigger: 'qr',
      device: 'desktop',
      browser: 'Chrome',
      os: 'Windows',
      referrer: click.referrer,
      user_agent: click.userAgent,
      referrer_host: 'news.example',
      language: 'de',
      visitor: `\\x${'07'.repeat(16)}`,
    });
    expect(JSON.stringify(row)).not.toContain('192.0.2.77');
  });

  it('is time and country of those who opted out', () =>
    expect(sent(rowOf({ ...click, optedOut: true }, place, visitor))).toEqual({
      ...counted,
      continent: 'EU',
      country: 'DE',
    }));

  it('marks bots, which are no visitors, also where little is kept', () => {
    const bot = { ...click, userAgent: 'Slackbot-LinkExpanding 1.0' };
    expect(rowOf(bot, place, visitor)).toMatchObject({ bot: true, visitor: undefined });
    expect(rowOf({ ...bot, optedOut: true }, place, visitor).bot).toBe(true);
  });
});
