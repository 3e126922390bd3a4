import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { scrape } from '../support/scrape.js';
import { Visitor } from '../support/visitor.js';
import { eventually, type LinkBody } from '../support/waypost.js';

describe('clicks in flight, as metrics', () => {
  let deployment: Deployment;
  let redirect: RoleProcess;
  let tenant: Customer;
  let link: LinkBody;

  beforeAll(async () => {
    deployment = await Deployment.open(14);
    [redirect] = await Promise.all([deployment.start('redirect'), deployment.start('api')]);
    tenant = await deployment.newTenant();
    link = await tenant.link();
  }, 60_000);
  afterAll(async () => {
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  async function visits(count: number): Promise<void> {
    const visitor = new Visitor({ port: redirect.port });
    for (let n = 0; n < count; n++) expect((await visitor.get(tenant.domain, `/${link.key}`)).status).toBe(302);
    visitor.leave();
  }
  /** At one time: between two looks, clicks go on. */
  const counts = async ({ ops }: RoleProcess, ...names: string[]): Promise<number[]> => {
    const text = await scrape(ops);
    return names.map((name) => Number(new RegExp(`^waypost_clicks_${name} (\\S+)$`, 'm').exec(text)?.[1]));
  };
  const OF_REDIRECT = ['accepted_total', 'adopted_total', 'shipped_total', 'spooled', 'shed_total'];

  it('add up in a process, over its death, and in total', async () => {
    await visits(30);
    const shipped = await eventually(() => counts(redirect, ...OF_REDIRECT), ([, , , spooled]) => spooled === 0); // prettier-ignore
    expect(shipped).toEqual([30, 0, 30, 0, 0]);

    // Killed at once, with the clicks of its last half second on disk.
    await visits(20);
    const [accepted, , taken, left] = await counts(redirect, ...OF_REDIRECT);
    expect([accepted, (taken ?? 0) + (left ?? 0)]).toEqual([50, 50]);
    await visits(5);
    await deployment.kill(redirect);
    redirect = await deployment.start('redirect', redirect);
    const [, adopted = 0, , , shed] = await eventually(() => counts(redirect, ...OF_REDIRECT), ([, , , spooled]) => spooled === 0); // prettier-ignore
    expect(await counts(redirect, ...OF_REDIRECT)).toEqual([0, adopted, adopted, 0, shed]);
    expect(adopted).toBeLessThanOrEqual(25);
    await visits(7);
    await eventually(() => counts(redirect, ...OF_REDIRECT), ([, , , spooled]) => spooled === 0); // prettier-ignore

    // A worker whose database writes nothing has them in the queue; then it stores them.
    const admin = new pg.Client({ connectionString: deployment.postgres.adminUrl });
    await admin.connect();
    await admin.query('BEGIN; LOCK TABLE link_stats IN EXCLUSIVE MODE');
    const worker = await deployment.start('worker');
    const of = () => counts(worker, 'stored_total', 'queued');
    await eventually(of, ([stored, queued]) => stored === 0 && queued === 62, 20); // prettier-ignore
    await admin.query('ROLLBACK');
    await admin.end();
    await eventually(of, ([stored, queued]) => stored === 62 && queued === 0, 90); // prettier-ignore
  }, 120_000);
});
