import { shortText } from './short-text.js';

/** What the visited URL says of how its visitor came by it. */
export interface Campaign {
  utm_source: string | undefined;
  utm_medium: string | undefined;
  utm_campaign: string | undefined;
  utm_term: string | undefined;
  utm_content: string | undefined;
  trigger: 'link' | 'qr';
}

const NONE: Campaign = {
  utm_source: undefined,
  utm_medium: undefined,
  utm_campaign: undefined,
  utm_term: undefined,
  utm_content: undefined,
  trigger: 'link',
};

/** @param query raw, without `?` */
export function campaignOf(query: string): Campaign {
  if (query === '') return NONE;
  const parameters = new URLSearchParams(query);
  const value = (name: string): string | undefined => shortText(parameters.get(name));
  return {
    utm_source: value('utm_source'),
    utm_medium: value('utm_medium'),
    utm_campaign: value('utm_campaign'),
    utm_term: value('utm_term'),
    utm_content: value('utm_content'),
    trigger: /^1?$/.test(parameters.get('qr') ?? 'no') ? 'qr' : 'link',
  };
}
