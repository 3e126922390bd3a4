import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Customer, Deployment, metricOf, type RoleProcess } from '../support/deployment.js';
import { quantile, rounded, SteadyLoad } from '../support/load.js';
import { Visitor } from '../support/visitor.js';
import { type LinkBody } from '../support/waypost.js';

/** SCAN_KEYS=1000000 takes some minutes. */
const KEYS = Number(process.env.SCAN_KEYS ?? 30_000);
const LINKS = 200;
const RATE = 200;
/** Calm and scan take turns, so that what else the machine does meets both alike. */
const ROUNDS = 4;
const CALM_MS = 2_000;
/** 50,000 names known to be absent, connections, and the young objects' space: three times 32 MB under load. */
const MOST_GROWTH = 220 * 1024 * 1024;
const SCANNER = join(import.meta.dirname, '../support/scanner.ts');

describe('a scan of random keys', () => {
  let deployment: Deployment;
  let tenant: Customer;
  let redirect: RoleProcess;
  let links: LinkBody[];

  beforeAll(async () => {
    deployment = await Deployment.open(8);
    await Promise.all([deployment.start('api'), deployment.start('worker')]);
    tenant = await deployment.newTenant();
    links = await Promise.all(Array.from({ length: LINKS }, () => tenant.link()));
  }, 60_000);
  afterAll(async () => {
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  async function scan(): Promise<Record<number, number>> {
    const child = spawn(process.execPath, [SCANNER, String(redirect.port), tenant.domain, String(KEYS / ROUNDS)]);
    const [answers, fault, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    if (code !== 0) throw new Error(`The scan ended with ${code}: ${fault}`);
    return JSON.parse(answers) as Record<number, number>;
  }

  const followAll = async (): Promise<number[]> => {
    const visitor = new Visitor(redirect);
    const statuses: number[] = [];
    for (const { key } of links) statuses.push((await visitor.get(tenant.domain, `/${key}`)).status);
    visitor.leave();
    return statuses;
  };

  it.each([
    // Then the look-ups, in the database too, take what they get of a small machine.
    ['without a limit', '0', 10],
    ['that is limited', '2', 2],
  ])(
    '%s fails nobody else, takes a bounded piece of memory, and pushes no link out of it',
    async (kind, SCAN_LIMIT_PER_SECOND, slower) => {
      redirect = await deployment.start('redirect', undefined, { SCAN_LIMIT_PER_SECOND });
      const found = links.map(() => 302);
      expect(await followAll()).toEqual(found);
      // The first ten are followed all the time; the others are known and nobody asks for them.
      let turn = 0;
      const next = () => ({ host: tenant.domain, path: `/${links[turn++ % 10]?.key}` });
      const load = new SteadyLoad(redirect, RATE, next);
      await sleep(1_000);
      const before = await metricOf(redirect, 'process_resident_memory_bytes');
      const statuses = new Set<string>();
      const p99s: Record<'calm' | 'scanned', number[]> = { calm: [], scanned: [] };
      let scanMs = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const calmAt = performance.now();
        await sleep(CALM_MS);
        const scanAt = performance.now();
        for (const status of Object.keys(await scan())) statuses.add(status);
        const endAt = performance.now();
        scanMs += endAt - scanAt;
        p99s.calm.push(load.p99(calmAt, scanAt));
        p99s.scanned.push(load.p99(scanAt, endAt));
      }
      const growth = (await metricOf(redirect, 'process_resident_memory_bytes')) - before;
      await load.stop();
      const [calm, scanned] = [quantile(p99s.calm, 0.5), quantile(p99s.scanned, 0.5)];
      process.stdout.write(
        `${KEYS} random keys, ${kind}, at ${Math.round((KEYS * 1000) / scanMs)} a second (${[...statuses].join(', ')}): p99 of ` +
          `${RATE} visits a second to hot links ${rounded(calm)} ms in between, ${rounded(scanned)} ms meanwhile (medians); ${Math.round(growth / 1024 / 1024)} MB more memory\n`,
      );
      expect(load.failures).toEqual([]);
      expect([...load.statuses.keys()]).toEqual([302]);
      for (const status of statuses) expect(['404', '429', '503']).toContain(status);
      expect(statuses.has('429')).toBe(SCAN_LIMIT_PER_SECOND !== '0');
      expect(growth).toBeLessThan(MOST_GROWTH);

      // Nobody but the process's memory can answer now.
      deployment.postgres.freeze();
      expect(await followAll()).toEqual(found);
      deployment.postgres.thaw();
      expect(scanned).toBeLessThan(Math.max(slower * calm, 10));
    },
    KEYS * 3 + 90_000,
  );
});
