import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, type RoleProcess } from '../support/deployment.js';
import { type Edited, editedCase, editedLink, editedNotFound, editedRoot, editedTenant } from '../support/edits.js';
import { quantile, SteadyLoad } from '../support/load.js';
import { metric } from '../support/metrics.js';
import { Watch } from '../support/watch.js';
import { eventually } from '../support/waypost.js';

/** More of them take longer: KILL_SWITCH_EDITS=2000 takes a minute or two. */
const EDITS = Number(process.env.KILL_SWITCH_EDITS ?? 200);
const LINKS = 11;

/** Something that is edited, and its visitors at every process. */
interface Scene {
  edited: Edited;
  watches: Watch[];
}

describe('an edit', () => {
  let deployment: Deployment;
  let redirects: RoleProcess[];
  let worker: RoleProcess;
  let scenes: Scene[];
  let loads: SteadyLoad[];

  const watched = (edited: Edited): Scene => ({
    edited,
    watches: redirects.map((redirect) => new Watch(redirect, edited.host, edited.path, edited.state)),
  });

  beforeAll(async () => {
    deployment = await Deployment.open(6);
    [worker, , ...redirects] = await Promise.all([
      deployment.start('worker'),
      deployment.start('api'),
      deployment.start('redirect'),
      deployment.start('redirect'),
      deployment.start('redirect'),
    ]);
    const tenant = await deployment.newTenant();
    const all = await Promise.all([
      ...Array.from({ length: LINKS }, () => editedLink(tenant)),
      editedRoot(tenant),
      editedNotFound(tenant, await deployment.newDomain(tenant)),
      editedCase(tenant, await deployment.newDomain(tenant)),
      editedTenant(deployment),
      editedTenant(deployment),
    ]);
    scenes = all.map(watched);
    const hot = await tenant.link();
    loads = redirects.map(
      (redirect) => new SteadyLoad(redirect, 200, () => ({ host: tenant.domain, path: `/${hot.key}` })),
    );
  }, 90_000);

  afterAll(async () => {
    await Promise.all(scenes.flatMap(({ watches }) => watches.map((watch) => watch.stop())));
    await Promise.all(loads.map((load) => load.stop()));
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  /** @returns after how many ms each process answered the new state */
  async function change({ edited, watches }: Scene, within: number): Promise<number[]> {
    const { state, make } = edited.next();
    const returned = watches.map((watch) => watch.expect(state, within));
    await make();
    return Promise.all(returned.map((inForce) => inForce()));
  }

  const faults = (): string[] => scenes.flatMap(({ watches }) => watches.flatMap((watch) => watch.faults));

  const report = (what: string, times: number[]): void => {
    const watches = scenes.flatMap((scene) => scene.watches);
    const visits = watches.reduce((sum, watch) => sum + watch.visits, 0);
    const unavailable = watches.reduce((sum, watch) => sum + watch.unavailable, 0);
    process.stdout.write(
      `${what}: p50 ${Math.round(quantile(times, 0.5))} ms, p99 ${Math.round(quantile(times, 0.99))} ms, ` +
        `max ${Math.round(quantile(times, 1))} ms until in force; ${visits} visits looked on, ${unavailable} got 503\n`,
    );
  };

  it(
    'is in force on every process within 2 s of its answer, and never undone',
    async () => {
      const times: number[] = [];
      let left = EDITS;
      const editAll = async (scene: Scene): Promise<void> => {
        while (left-- > 0) {
          times.push(...(await change(scene, 2_000)));
          // Time to fall back in, for an answer that was under way from the database.
          await sleep(Math.random() * 500);
        }
      };
      await Promise.all(scenes.map(editAll));
      await sleep(500);
      report(`${EDITS} edits on three processes`, times);
      expect(times).toHaveLength(EDITS * 3);
      expect(faults()).toEqual([]);
      expect(Math.max(...times)).toBeLessThan(2_000);
    },
    EDITS * 500 + 30_000,
  );

  it('that visitors can not tell is no news to any process', async () => {
    const [customer, { operator }] = [await deployment.newTenant(), deployment];
    const heard = (cause: string): Promise<number[]> =>
      Promise.all(redirects.map(({ ops }) => metric(ops, 'waypost_cache_invalidations_total', { cause })));
    /** Events arrive in their order: whoever has heard of this one has heard of all before. */
    const hearAll = async (): Promise<void> => {
      const before = await heard('link');
      const { id } = await customer.link();
      await customer.delete(`/v1/links/${id}`);
      await eventually(
        () => heard('link'),
        (now) => now.every((count, n) => count > Number(before[n])),
      );
    };
    await hearAll();
    const before = [await heard('tenant'), await heard('domain')];
    const answers = [
      await customer.patch('/v1/tenant', { name: 'Renamed' }),
      await operator.patch(`/v1/tenants/${customer.tenantId}`, { limits: { members: 5 }, suspended: false }),
      await customer.patch(`/v1/domains/${customer.domainId}`, { codeLength: 9 }),
      await customer.patch(`/v1/domains/${customer.domainId}`, { rootUrl: null }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await hearAll();
    expect([await heard('tenant'), await heard('domain')]).toEqual(before);
  });

  it('is in force on every process within 30 s though the bus is down, and not undone when it is back', async () => {
    for (const { watches } of scenes) for (const watch of watches) watch.everyMs = 200;
    expect(await deployment.stop(worker)).toBe(0);
    const times = (await Promise.all(scenes.map((scene) => change(scene, 30_000)))).flat();
    worker = await deployment.start('worker', worker);
    await sleep(2_000);
    report('An edit of each kind without a bus', times);
    expect(faults()).toEqual([]);
    expect(Math.max(...times)).toBeLessThan(30_000);
    for (const load of loads) expect(load.failures).toEqual([]);
  }, 90_000);
});
