import { continentOf } from './continents.js';

/** Where a visitor is, as far as it is known. */
export interface Place {
  /** AF, AN, AS, EU, NA, OC or SA. */
  continent: string | undefined;
  /** ISO 3166-1 alpha-2. */
  country: string | undefined;
  /** ISO 3166-2: `DE-BE`. */
  region: string | undefined;
  city: string | undefined;
}

/** The parts of a database's record that are read: of MaxMind's layout, and of the flat one of ip-location-db. */
export interface GeoRecord {
  continent?: { code?: string };
  country?: { iso_code?: string };
  subdivisions?: Array<{ iso_code?: string }>;
  city?: string | { names?: { en?: string } };
  country_code?: string;
}

export const NOWHERE: Place = { continent: undefined, country: undefined, region: undefined, city: undefined };

/**
 * @param edgeCountry what a trusted edge says; it goes before the database, whose region and city are believed only
 * where both agree
 */
export function placeOf(edgeCountry: string | undefined, record: GeoRecord | undefined): Place {
  const said = edgeCountry?.toUpperCase();
  const found = record && placeOfRecord(record);
  // Edges have codes for visitors whose country they do not know (XX, T1): those are on no continent.
  if (said === undefined || continentOf(said) === undefined) return found ?? NOWHERE;
  return found?.country === said ? found : { ...NOWHERE, continent: continentOf(said), country: said };
}

function placeOfRecord(record: GeoRecord): Place {
  const country = record.country?.iso_code ?? record.country_code;
  return {
    continent: record.continent?.code ?? continentOf(country),
    country,
    region: regionOf(record, country),
    city: cityOf(record),
  };
}

function regionOf({ subdivisions }: GeoRecord, country: string | undefined): string | undefined {
  const code = subdivisions?.[0]?.iso_code;
  return country && code && `${country}-${code}`;
}

const cityOf = ({ city }: GeoRecord): string | undefined => (typeof city === 'string' ? city : city?.names?.en);
