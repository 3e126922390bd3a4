import { readFileSync } from 'node:fs';
import type { Role } from '../config/config.js';
import { buildInfo } from './gauges.js';
import { ALL_ROLES } from './registry.js';

/** package.json lies above `src` and `dist` alike. */
export const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Of a process that speaks for others: they are what it is. */
export function watchBuild(roles: ReadonlySet<Role>): void {
  buildInfo.watch({ version, role: roleOf(roles), node: process.version }, () => 1);
}

/** As APP_ROLE has it. */
export const roleOf = (roles: ReadonlySet<Role>): string =>
  ALL_ROLES.every((one) => roles.has(one)) ? 'all' : [...roles].join();
