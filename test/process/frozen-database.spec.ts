import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { quantile, rounded, SteadyLoad } from '../support/load.js';
import { Visitor, type Way } from '../support/visitor.js';
import { eventually, type LinkBody, request, unique } from '../support/waypost.js';

/** On a machine that nobody else uses, FROZEN_EXACT=1 holds it to the figures themselves; a busy one delays a few answers. */
const EXACT = process.env.FROZEN_EXACT === '1';
const FROZEN_MS = 30_000;
const LINKS = 50;
const RATE = 200;

describe('while the database stands still for 30 s', () => {
  let deployment: Deployment;
  let tenant: Customer;
  let steady: RoleProcess;
  let restarted: RoleProcess;
  let links: LinkBody[];

  beforeAll(async () => {
    deployment = await Deployment.open(7);
    [steady, restarted] = await Promise.all([
      deployment.start('redirect'),
      deployment.start('redirect'),
      deployment.start('api'),
      deployment.start('worker'),
    ]);
    tenant = await deployment.newTenant();
    links = await Promise.all(Array.from({ length: LINKS }, () => tenant.link()));
  }, 60_000);
  afterAll(async () => {
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  /** Of every link once. @returns the statuses */
  async function followAll(way: Way): Promise<number[]> {
    const visitor = new Visitor({ port: way.port });
    const statuses: number[] = [];
    for (const { key } of links) statuses.push((await visitor.get(tenant.domain, `/${key}`)).status);
    visitor.leave();
    return statuses;
  }

  /** @returns how long the answer to an unknown key took, in ms; undefined unless it was 503 */
  async function askUnknown(way: Way): Promise<number | undefined> {
    const visitor = new Visitor({ port: way.port });
    const begun = performance.now();
    const { status } = await visitor.get(tenant.domain, `/${unique()}`);
    visitor.leave();
    return status === 503 ? performance.now() - begun : undefined;
  }

  const found = Array.from({ length: LINKS }, () => 302);

  it('serves known links as ever and lets nobody wait, and counts every click once it goes on', async () => {
    expect(await followAll(steady)).toEqual(found);
    expect(await followAll(restarted)).toEqual(found);
    let turn = 0;
    const next = () => ({ host: tenant.domain, path: `/${links[turn++ % LINKS]?.key}` });
    const load = new SteadyLoad(steady, RATE, next);
    await sleep(3_000);

    deployment.postgres.freeze();
    const frozenAt = performance.now();
    const unknown: Array<number | undefined> = [];
    const asking = (async () => {
      while (performance.now() < frozenAt + FROZEN_MS - 1_000) {
        unknown.push(...(await Promise.all([askUnknown(steady), askUnknown(steady)])));
        await sleep(200);
      }
    })();
    const stoppedAt = performance.now();
    const code = await deployment.stop(restarted);
    const stopMs = performance.now() - stoppedAt;
    restarted = await deployment.start('redirect', restarted);
    const restartMs = performance.now() - stoppedAt;
    const known = await followAll(restarted);
    const { status: readiness } = await request('GET', `${restarted.ops}/readyz`);
    const stillFrozen = performance.now() < frozenAt + FROZEN_MS;
    await asking;
    await sleep(Math.max(0, frozenAt + FROZEN_MS - performance.now()));
    deployment.postgres.thaw();
    const thawedAt = performance.now();

    await eventually(
      () => followUnknown(steady),
      (status) => status === 404,
      20,
    );
    const recoveredMs = performance.now() - thawedAt;
    await load.stop();
    const p99s = load.p99s(frozenAt, thawedAt);
    const waits = unknown.filter((ms) => ms !== undefined);
    process.stdout.write(
      `Frozen for 30 s at ${RATE} visits a second: p99 of a second ${rounded(quantile(p99s, 0.5))} ms (median), ` +
        `${rounded(Math.max(...p99s))} ms (worst); before ${rounded(quantile(load.p99s(0, frozenAt), 0.5))} ms; ` +
        `503 after ${rounded(quantile(waits, 0.5))} ms (p50), ${rounded(quantile(waits, 1))} ms (max of ${waits.length}); ` +
        `a redirect process stopped in ${Math.round(stopMs)} ms and served again after ${Math.round(restartMs)} ms; ` +
        `recovered ${Math.round(recoveredMs)} ms after\n`,
    );

    expect(load.failures).toEqual([]);
    expect([...load.statuses.keys()]).toEqual([302]);
    expect(EXACT ? load.p99(frozenAt, thawedAt) : quantile(p99s, 0.5)).toBeLessThan(50);
    expect(unknown).not.toContain(undefined);
    expect(quantile(waits, 0.5)).toBeLessThan(500);
    expect(quantile(waits, 1)).toBeLessThan(EXACT ? 500 : 2_000);
    expect(code).toBe(0);
    expect(stopMs).toBeLessThan(20_000);
    expect(stillFrozen).toBe(true);
    expect(known).toEqual(found);
    expect(readiness).toBe(200);

    const answered = load.answered + 3 * LINKS;
    const clicks = async (): Promise<number> =>
      (await tenant.get<{ clicks: number }>('/v1/analytics?groupBy=count')).body.clicks;
    const answeredAt = performance.now();
    // A job that the worker held when the database froze is taken up again when its lock has run out.
    await eventually(clicks, (all) => all >= answered, 90);
    process.stdout.write(
      `${answered} clicks were all counted ${Math.round(performance.now() - answeredAt)} ms later\n`,
    );
    await sleep(500);
    expect(await clicks()).toBe(answered);
  }, 200_000);

  const followUnknown = async (way: Way): Promise<number> => {
    const visitor = new Visitor({ port: way.port });
    const { status } = await visitor.get(tenant.domain, `/${unique()}`);
    visitor.leave();
    return status;
  };
});
