import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GeoDatabase } from '../../src/clicks/geo-database.js';
import { Config, readSettings } from '../../src/platform/config/config.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { geoFile } from '../support/geo-file.js';
import { clickOn, Ingest, rowsOf, tenantUuid } from '../support/ingest.js';
import { newTenant } from '../support/waypost.js';

const place = (country: string, city: string) => ({
  continent: { code: 'EU' },
  country: { iso_code: country },
  subdivisions: [{ iso_code: 'XY' }],
  city: { names: { en: city } },
});
const first = geoFile({ '203.0.113.0/24': place('DE', 'Berlin'), '198.51.100.128/25': place('AT', 'Wien') });
const second = geoFile({ '203.0.113.0/24': place('DE', 'Potsdam') });

describe('the file of places', () => {
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waypost-geo-'));
    file = join(folder, 'city.mmdb');
    await writeFile(file, first);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const replaceBy = async (content: Buffer): Promise<void> => {
    await writeFile(`${file}.new`, content);
    await rename(`${file}.new`, file);
  };
  const open = async (variables: Record<string, string> = { GEO_DATABASE: file }): Promise<GeoDatabase> => {
    const given = { databaseUrls: {} as never, secretKey: '', platformKey: '' };
    const places = new GeoDatabase(Config.from(readSettings(variables, 'run'), given), createLogger('silent', false));
    await places.onApplicationBootstrap();
    return places;
  };

  it('says where clicks come from', async () => {
    const ingest = await Ingest.open({ GEO_DATABASE: file });
    const tenant = await newTenant();
    const link = await tenant.link();
    const from = (address: string, country?: string) => clickOn(tenant, link, { address, country });
    await ingest.clicks.store([
      from('203.0.113.7'),
      from('198.51.100.200'),
      from('198.51.100.1'),
      from('203.0.113.9', 'FR'),
      from('cb00:7107::1'), // the bits of 203.0.113.7
      from('nowhere'),
    ]);
    await ingest.close();
    const rows = await rowsOf<{ place: string }>(
      `SELECT concat_ws(' ', continent, country, region, city) AS place FROM clicks WHERE tenant_id = $1 ORDER BY id`,
      [tenantUuid(tenant)],
    );
    expect(rows.map((row) => row.place)).toEqual([
      'EU DE DE-XY Berlin', 'EU AT AT-XY Wien', '', 'EU FR', '', '',
    ]); // prettier-ignore
  });

  it('is read anew when it changes, and the last good one stays when it can not be read', async () => {
    const places = await open();
    const city = (): unknown => places.find('203.0.113.7')?.city;
    expect(city()).toEqual({ names: { en: 'Berlin' } });
    for (const bad of [Buffer.from('no such format'), first.subarray(0, 40), Buffer.alloc(0)]) {
      await replaceBy(bad);
      await places.reload();
      expect(city()).toEqual({ names: { en: 'Berlin' } });
    }
    await rm(file);
    await places.reload();
    expect(city()).toEqual({ names: { en: 'Berlin' } });
    await replaceBy(second);
    await places.reload();
    expect(city()).toEqual({ names: { en: 'Potsdam' } });
    places.onModuleDestroy();
  });

  it('is one of countries where none is named, and none where that is wished', async () => {
    const ingest = await Ingest.open();
    const tenant = await newTenant();
    const link = await tenant.link();
    const from = (address: string, country?: string) => clickOn(tenant, link, { address, country });
    // Two universities, in both kinds of addresses; one whom an edge knows better; and addresses that are nobody's.
    const addresses = ['141.20.1.1', '129.132.1.1', '2001:638::1', '127.0.0.1', '10.0.0.1', '::1'];
    await ingest.clicks.store([...addresses.map((address) => from(address)), from('141.20.1.1', 'FR')]);
    await ingest.close();
    const rows = await rowsOf<{ place: string }>(
      `SELECT concat_ws(' ', continent, country, region, city) AS place FROM clicks WHERE tenant_id = $1 ORDER BY id`,
      [tenantUuid(tenant)],
    );
    expect(rows.map((row) => row.place)).toEqual([
      'EU DE', 'EU CH', 'EU DE', '', '', '', 'EU FR',
    ]); // prettier-ignore

    const nothing = await open({ GEO_DATABASE: 'none' });
    await nothing.reload();
    expect(nothing.find('141.20.1.1')).toBeUndefined();
    nothing.onModuleDestroy();
  });

  it('may be missing', async () => {
    await rm(file);
    const places = await open();
    expect(places.find('203.0.113.7')).toBeUndefined();
    places.onModuleDestroy();
    await writeFile(file, first);
  });
});
