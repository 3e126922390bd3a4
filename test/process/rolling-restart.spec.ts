import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Balancer } from '../support/balancer.js';
import { clicksOf, type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { FullLoad } from '../support/load.js';
import { Visitor } from '../support/visitor.js';
import { eventually, type LinkBody } from '../support/waypost.js';

const VISITORS = 32;

describe('redirect processes that stop under load', () => {
  let deployment: Deployment;
  let tenant: Customer;
  let redirects: RoleProcess[];

  beforeAll(async () => {
    deployment = await Deployment.open(5);
    const [one, two] = await Promise.all([
      deployment.start('redirect'),
      deployment.start('redirect'),
      deployment.start('worker'),
      deployment.start('api'),
    ]);
    redirects = [one, two];
    tenant = await deployment.newTenant();
  }, 60_000);
  afterAll(async () => {
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  const counted = async (link: LinkBody, answered: number): Promise<void> => {
    await eventually(
      () => clicksOf(tenant, link.id),
      (clicks) => clicks >= answered,
      30,
    );
    // Nothing more comes that was counted and never answered, nor anything twice.
    await sleep(500);
    expect(await clicksOf(tenant, link.id)).toBe(answered);
  };

  const leftBehind = async ({ dataDir }: RoleProcess): Promise<string[]> => {
    const files = await readdir(join(dataDir, 'spool'), { recursive: true });
    return files.filter((name) => /\.(segment|open)$/.test(name));
  };

  it('lose no request in a rolling restart, and no click', async () => {
    const link = await tenant.link();
    const balancer = new Balancer(redirects);
    const port = await balancer.listen();
    const begun = performance.now();
    const load = new FullLoad({ port }, VISITORS, () => ({ host: tenant.domain, path: `/${link.key}` }));
    await sleep(500);
    for (const at of [0, 1, 0, 1]) {
      const before = redirects[at] as RoleProcess;
      expect(await deployment.stop(before)).toBe(0);
      expect(await leftBehind(before)).toEqual([]);
      redirects[at] = await deployment.start('redirect', before);
      // Until the balancer has seen that it is ready.
      await sleep(300);
    }
    await load.stop();
    const seconds = (performance.now() - begun) / 1000;
    balancer.close();
    process.stdout.write(
      `Four restarts at ${Math.round(load.answered / seconds)} requests a second: ${load.answered} answered, ` +
        `${load.repeated} sent again on a new connection, ${load.failures.length} failed\n`,
    );
    expect(load.failures).toEqual([]);
    expect([...load.statuses.keys()]).toEqual([302]);
    await counted(link, load.answered);
  }, 120_000);

  it('answer all they have accepted, hand over all clicks and end with 0', async () => {
    const link = await tenant.link();
    const [, stopping] = redirects as [RoleProcess, RoleProcess];
    const load = new FullLoad(stopping, VISITORS, () => ({ host: tenant.domain, path: `/${link.key}` }));
    load.polite = true;
    await sleep(500);
    const code = await deployment.stop(stopping);
    await load.stop();
    expect(code).toBe(0);
    expect(await leftBehind(stopping)).toEqual([]);
    expect(load.failures).toEqual([]);
    await counted(link, load.answered);
    redirects[1] = await deployment.start('redirect', stopping);
  }, 60_000);

  it('do not wait for visitors who say nothing', async () => {
    const [, stopping] = redirects as [RoleProcess, RoleProcess];
    const silent = connect({ port: stopping.port, host: '127.0.0.1' });
    const slow = connect({ port: stopping.port, host: '127.0.0.1' });
    slow.write('GET /a HTTP/1.1\r\nHost:');
    await sleep(200);
    const asked = performance.now();
    expect(await deployment.stop(stopping)).toBe(0);
    expect(performance.now() - asked).toBeLessThan(15_000);
    silent.destroy();
    slow.destroy();
  }, 60_000);

  it('tell visitors to leave while they wait to be taken note of, also as several workers', async () => {
    const link = await tenant.link();
    const process = await deployment.start('redirect', undefined, { REDIRECT_WORKERS: '2', DRAIN_SECONDS: '5' });
    const visitor = new Visitor(process);
    expect(await visitor.get(tenant.domain, `/${link.key}`)).toMatchObject({ status: 302 });
    expect(visitor.toldToLeave).toBe(false);
    const stopped = deployment.stop(process);
    await eventually(
      async () => {
        expect(await visitor.get(tenant.domain, `/${link.key}`)).toMatchObject({ status: 302 });
        return visitor.toldToLeave;
      },
      Boolean,
      4,
    );
    visitor.leave();
    expect(await stopped).toBe(0);
  }, 60_000);
});
