import { describe, expect, it } from '@jest/globals';
import { continentOf } from './continents.js';
import { NOWHERE, placeOf } from './geography.js';

const berlin = {
  continent: { code: 'EU' },
  country: { iso_code: 'DE' },
  subdivisions: [{ iso_code: 'BE' }],
  city: { names: { en: 'Berlin' } },
};

describe('placeOf', () => {
  it('reads a record of a city', () =>
    expect(placeOf(undefined, berlin)).toEqual({ continent: 'EU', country: 'DE', region: 'DE-BE', city: 'Berlin' }));

  it('reads a record of a country, whose continent it knows', () =>
    expect(placeOf(undefined, { country: { iso_code: 'IN' } })).toEqual({
      ...NOWHERE,
      continent: 'AS',
      country: 'IN',
    }));

  it('reads a flat record', () =>
    expect(placeOf(undefined, { country_code: 'BR', city: 'Recife' })).toEqual({
      ...NOWHERE,
      continent: 'SA',
      country: 'BR',
      city: 'Recife',
    }));

  it('believes the edge before the database', () =>
    expect(placeOf('fr', berlin)).toEqual({ ...NOWHERE, continent: 'EU', country: 'FR' }));

  it('takes region and city from a database that agrees with the edge', () =>
    expect(placeOf('DE', berlin)).toEqual(placeOf(undefined, berlin)));

  it.each(['XX', 'T1', '', 'Germany', '<script>'])('asks the database when the edge says %j', (said) =>
    expect(placeOf(said, berlin).city).toBe('Berlin'),
  );

  it('knows nothing without edge and database', () => expect(placeOf(undefined, undefined)).toEqual(NOWHERE));
});

describe('continentOf', () => {
  it('knows every country there is, and no other', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
    // Regions that Intl names and that are no countries of ISO 3166-1.
    const others = new Set(['AC', 'CP', 'CQ', 'DG', 'EA', 'EU', 'EZ', 'IC', 'QO', 'TA', 'UN', 'XA', 'XB', 'ZZ']);
    const retired = (code: string): boolean => new Intl.Locale(`und-${code}`).region !== code;
    for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
      const isCountry = names.of(code) !== undefined && !others.has(code) && !retired(code);
      expect({ code, known: continentOf(code) !== undefined }).toEqual({ code, known: isCountry });
    }
  });
});
