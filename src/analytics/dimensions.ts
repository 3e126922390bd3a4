/** What is known of each click, by the name that the API gives it; the value is its column, which names its rollup. */
export const DIMENSIONS = {
  continent: 'continent',
  country: 'country',
  region: 'region',
  city: 'city',
  device: 'device',
  browser: 'browser',
  os: 'os',
  referrer: 'referrer_host',
  language: 'language',
  utm_source: 'utm_source',
  utm_medium: 'utm_medium',
  utm_campaign: 'utm_campaign',
  utm_term: 'utm_term',
  utm_content: 'utm_content',
  trigger: 'trigger',
} as const;

export type Dimension = keyof typeof DIMENSIONS;

/** A dimension as rollups name it: those of a visit, and the domain. */
export type RollupDimension = (typeof DIMENSIONS)[Dimension] | 'domain_id';

/** `groupBy` of each breakdown by a dimension. */
const BREAKDOWNS = {
  continents: 'continent',
  countries: 'country',
  regions: 'region',
  cities: 'city',
  devices: 'device',
  browsers: 'browser',
  os: 'os',
  referrers: 'referrer',
  languages: 'language',
  utm_source: 'utm_source',
  utm_medium: 'utm_medium',
  utm_campaign: 'utm_campaign',
  utm_term: 'utm_term',
  utm_content: 'utm_content',
  triggers: 'trigger',
} as const satisfies Record<string, Dimension>;

export const GROUPINGS = [
  'count',
  'timeseries',
  ...(Object.keys(BREAKDOWNS) as Array<keyof typeof BREAKDOWNS>),
  'top_links',
  'top_domains',
  'top_tags',
  'bots',
] as const;

export type Grouping = (typeof GROUPINGS)[number];

/** The dimension that a grouping breaks clicks down by, if it is one of a visit. */
export const dimensionOf = (grouping: Grouping): Dimension | undefined =>
  Object.hasOwn(BREAKDOWNS, grouping) ? BREAKDOWNS[grouping as keyof typeof BREAKDOWNS] : undefined;
