import { describe, expect, it } from '@jest/globals';
import { campaignOf } from './campaign.js';

describe('campaignOf', () => {
  it('reads the five UTM parameters', () =>
    expect(campaignOf('utm_source=a&utm_medium=b%20c&utm_campaign=d+e&utm_term=%C3%BC&utm_content=f&other=g')).toEqual({
      utm_source: 'a',
      utm_medium: 'b c',
      utm_campaign: 'd e',
      utm_term: 'ü',
      utm_content: 'f',
      trigger: 'link',
    }));

  it.each([
    ['qr', 'qr'],
    ['qr=1', 'qr'],
    ['a=b&qr=1', 'qr'],
    ['qr=0', 'link'],
    ['qrs=1', 'link'],
    ['', 'link'],
  ])('takes ?%s for a %s', (query, trigger) => expect(campaignOf(query).trigger).toBe(trigger));

  it.each(['', 'utm_source=', 'utm_source=%20', 'utm_source=%00'])('has no source in ?%s', (query) =>
    expect(campaignOf(query).utm_source).toBeUndefined(),
  );

  it('cuts what is long, and what no database stores', () => {
    expect(campaignOf(`utm_source=${'x'.repeat(900)}`).utm_source).toHaveLength(200);
    expect(campaignOf('utm_source=a%00b%ED%A0%80').utm_source?.isWellFormed()).toBe(true);
    expect(campaignOf('utm_source=%').utm_source).toBe('%');
  });
});
