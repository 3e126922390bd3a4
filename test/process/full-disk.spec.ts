import { execFileSync, spawnSync } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clicksOf, type Customer, Deployment, metricOf, type RoleProcess } from '../support/deployment.js';
import { FullLoad } from '../support/load.js';
import { eventually, type LinkBody } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

const { error } = spawnSync('prlimit', ['--version']);
if (error)
  process.stderr.write(`Skipped: "a disk that takes no more", for there is no prlimit here (${error.message})\n`);

(error ? describe.skip : describe)('a disk that takes no more', () => {
  let deployment: Deployment;
  let redirect: RoleProcess;
  let tenant: Customer;
  let link: LinkBody;

  beforeAll(async () => {
    deployment = await Deployment.open(15);
    [redirect] = await Promise.all([deployment.start('redirect'), deployment.start('worker'), deployment.start('api')]);
    tenant = await deployment.newTenant();
    link = await tenant.link();
  }, 60_000);
  afterAll(async () => {
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  /** From here on no file of the redirect process grows beyond this: the write is cut short, the next one refused. */
  const limitFiles = (bytes: number | 'unlimited'): unknown =>
    execFileSync('prlimit', ['--pid', String(redirect.process.child.pid), `--fsize=${bytes}:`]);

  /** @returns how many were answered, all of them led to the link */
  async function visits(ms: number): Promise<number> {
    const load = new FullLoad(redirect, 8, () => ({ host: tenant.domain, path: `/${link.key}` }));
    await sleep(ms);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect([...load.statuses.keys()]).toEqual([302]);
    return load.answered;
  }

  it('fails no redirect; what it loses is counted and said, and what it has taken is stored once', async () => {
    const counts = async (): Promise<number[]> =>
      Promise.all(['accepted', 'shed'].map((name) => metricOf(redirect, `waypost_clicks_${name}_total`)));
    const begun = performance.now();
    limitFiles(2_000);
    const answered = await visits(2_000);
    const [accepted = 0, shed = 0] = await counts();
    expect(shed).toBeGreaterThan(0);
    expect(accepted).toBeGreaterThan(0);
    expect(accepted + shed).toBe(answered);

    limitFiles('unlimited');
    const more = await visits(500);
    expect(await counts()).toEqual([accepted + more, shed]);
    const said = redirect.process
      .output()
      .split('\n')
      .filter((line) => line.includes('"Clicks were lost"'))
      .map((line) => (JSON.parse(line) as { clicks: number }).clicks);
    expect(said.reduce((sum, clicks) => sum + clicks, 0)).toBe(shed);
    // Twice a second, and not at each turn of the event loop.
    expect(said.length).toBeLessThan((2 * (performance.now() - begun)) / 1000 + 2);

    await eventually(
      () => clicksOf(tenant, link.id),
      (clicks) => clicks >= accepted + more,
      60,
    );
    await sleep(500);
    expect(await clicksOf(tenant, link.id)).toBe(accepted + more);
    const command = spawnWaypost({ ...deployment.env, DATA_DIR: redirect.dataDir }, 'dist/waypost.js reconcile');
    expect([await command.exited, command.output()]).toEqual([0, expect.stringContaining('All adds up')]);
  }, 120_000);

  it('leaves no file of a segment of which it has taken nothing', async () => {
    limitFiles(0);
    await visits(500);
    limitFiles('unlimited');
    const segments = async (): Promise<string[]> =>
      (await readdir(join(redirect.dataDir, 'spool'), { recursive: true })).filter(
        (name) => !/\/lock|^[^/]*$/.test(name),
      );
    expect(await eventually(segments, (names) => names.length === 0, 20)).toEqual([]);
  }, 60_000);

  it('keeps no process from starting, whose clicks are counted as soon as it takes more', async () => {
    expect(await deployment.stop(redirect)).toBe(0);
    const folder = join(redirect.dataDir, 'spool');
    await rm(folder, { recursive: true });
    await writeFile(folder, 'in the way');
    redirect = await deployment.start('redirect', redirect);
    const before = await clicksOf(tenant, link.id);
    const shed = await visits(500);
    expect(await metricOf(redirect, 'waypost_clicks_shed_total')).toBe(shed);
    await rm(folder);
    await eventually(
      () => readdir(folder).catch(() => []),
      (names) => names.length === 1,
    );
    const accepted = await visits(500);
    expect(await metricOf(redirect, 'waypost_clicks_accepted_total')).toBe(accepted);
    await eventually(
      () => clicksOf(tenant, link.id),
      (clicks) => clicks >= before + accepted,
      60,
    );
    expect(await metricOf(redirect, 'waypost_clicks_shed_total')).toBe(shed);
  }, 120_000);
});
