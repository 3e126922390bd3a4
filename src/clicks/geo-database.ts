import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { open, type Reader, type Response, validate } from 'maxmind';
import { Config } from '../platform/config/config.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import type { GeoRecord } from './geography.js';

const LOOK_EVERY_MS = 30_000;
/** Countries by address, from what the registries of addresses publish: docs/configuration.md says of what worth it is. */
const COUNTRIES = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb';

/**
 * The operator's file of addresses and places (.mmdb), read anew when it changes; without one, a file of countries that
 * comes with the dependencies. One that can not be read is logged, and the last good one stays in use. Nobody is ever
 * asked over the network.
 */
@Injectable()
export class GeoDatabase implements OnApplicationBootstrap, OnModuleDestroy {
  private reader: Reader<Response> | undefined;
  private version = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (this.config.geoDatabase === null) return;
    await this.reload();
    this.timer = setInterval(() => void this.reload(), LOOK_EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  find(address: string): GeoRecord | undefined {
    if (!this.reader || !validate(address)) return undefined;
    // A database of IPv4 alone would take the first bits of an IPv6 address for one of its own.
    if (this.reader.metadata.ipVersion === 4 && address.includes(':')) return undefined;
    return (this.reader.get(address) as GeoRecord | null) ?? undefined;
  }

  /** Reads the file if it is another than the one last tried. */
  async reload(): Promise<void> {
    const { geoDatabase } = this.config;
    if (geoDatabase === null) return;
    try {
      const file = geoDatabase ?? createRequire(import.meta.url).resolve(COUNTRIES);
      const { ino, size, mtimeMs } = await stat(file);
      const version = `${ino} ${size} ${mtimeMs}`;
      if (version === this.version) return;
      this.version = version;
      this.reader = await open(file);
      const { databaseType, buildEpoch } = this.reader.metadata;
      this.logger.info({ file, databaseType, built: buildEpoch }, 'Read the places of addresses');
    } catch (error) {
      this.logger.error(
        { file: geoDatabase ?? COUNTRIES, reason: String(error), kept: Boolean(this.reader) },
        'The file of places can not be read',
      );
    }
  }
}
