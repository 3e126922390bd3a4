import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import type { DomainBody } from '../support/domains.js';
import { everything } from '../support/pages.js';
import { SteadyLoad } from '../support/load.js';
import { Visitor } from '../support/visitor.js';
import { eventually, type LinkBody, type ProblemBody } from '../support/waypost.js';

const BOUND_MS = 2_000;
const TAKEDOWNS = 20;

let deployment: Deployment;
let redirects: RoleProcess[];
let worker: RoleProcess;
let tenant: Customer;
let folder: string;
let feed: string;

/** As an operator's download would do it: the old list is there until the new one is whole. */
async function list(...lines: string[]): Promise<void> {
  await writeFile(`${feed}.new`, `# harmful\n${lines.join('\n')}\n`);
  await rename(`${feed}.new`, feed);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waypost-feed-'));
  feed = join(folder, 'feed.txt');
  await list('listed.example', 'https://example.com/harmful?id=1');
  deployment = await Deployment.open(13);
  // Each four seconds is night.
  const settings = { REPUTATION_FEED: feed, DESTINATION_RECHECK_HOURS: '0.001' };
  [, worker, ...redirects] = await Promise.all([
    deployment.start('api', undefined, settings),
    deployment.start('worker', undefined, settings),
    deployment.start('redirect'),
    deployment.start('redirect'),
  ]);
  tenant = await deployment.newTenant();
}, 90_000);

afterAll(async () => {
  const codes = await deployment.close();
  await rm(folder, { recursive: true, force: true });
  expect(codes.every((code) => code === 0)).toBe(true);
});

const seenAt = async ({ port }: RoleProcess, { domain, key }: LinkBody): Promise<string | number> => {
  const visitor = new Visitor({ port });
  try {
    const { status, location } = await visitor.get(domain, `/${key}`);
    return location ?? status;
  } finally {
    visitor.leave();
  }
};

const everywhere = (link: LinkBody, seen: string | number, seconds = 30): Promise<Array<string | number>> =>
  eventually(
    () => Promise.all(redirects.map((redirect) => seenAt(redirect, link))),
    (all) => all.every((one) => one === seen),
    seconds,
  );

const linkNow = async ({ id }: LinkBody): Promise<LinkBody> => (await tenant.get<LinkBody>(`/v1/links/${id}`)).body;

describe('a takedown', () => {
  it(`is in force on every process within ${BOUND_MS} ms, of hot links too`, async () => {
    const links = await Promise.all(Array.from({ length: TAKEDOWNS }, () => tenant.link()));
    for (const link of links) await everywhere(link, link.url);
    const hot = links[0] as LinkBody;
    const loads = redirects.map((way) => new SteadyLoad(way, 100, () => ({ host: hot.domain, path: `/${hot.key}` })));
    const times: number[] = [];
    for (const [n, link] of links.entries()) {
      const answer = await deployment.operator.post('/v1/ops/takedowns', {
        domain: link.domain,
        key: link.key,
        reason: 'Phishing',
        warning: n % 2 === 0,
      });
      const answered = performance.now();
      expect(answer.status).toBe(201);
      await everywhere(link, n % 2 === 0 ? 410 : 404);
      times.push(performance.now() - answered);
    }
    await Promise.all(loads.map((load) => load.stop()));
    expect(Math.max(...times)).toBeLessThan(BOUND_MS);
  }, 120_000);
});

describe('the reputation feed', () => {
  it('keeps listed hosts and URLs from being used', async () => {
    for (const url of ['https://deep.listed.example/x', 'http://example.com/harmful?id=1#part']) {
      for (const path of ['/v1/links', '/v1/shorten']) {
        const answer = await tenant.post<ProblemBody>(path, { url });
        expect(answer.body).toMatchObject({ errors: [{ pointer: '/url', code: 'destination_listed' }] });
      }
      const { body } = await tenant.patch<ProblemBody>(`/v1/domains/${tenant.domainId}`, { notFoundUrl: url });
      expect(body).toMatchObject({ errors: [{ pointer: '/notFoundUrl', code: 'destination_listed' }] });
    }
    await tenant.link({ url: 'https://example.com/harmful?id=2' });
  });

  it('is read anew when it changes, and then switches off the links that lead there', async () => {
    const url = 'https://turned.example/x';
    const link = await tenant.link({ url });
    const other = await tenant.link({ url: 'https://example.com/', expiredUrl: url });
    const harmless = await tenant.link();
    await tenant.patch(`/v1/domains/${tenant.domainId}`, { rootUrl: url, expiredUrl: 'https://example.com/over' });
    await everywhere(link, url);
    await list('listed.example', 'turned.example');

    await eventually(
      () => linkNow(link),
      ({ disabledAt }) => disabledAt !== null,
      60,
    );
    await eventually(
      () => linkNow(other),
      ({ disabledAt }) => disabledAt !== null,
      60,
    );
    await everywhere(link, 404);
    expect(await linkNow(link)).toMatchObject({ warnings: ['destination_listed'], takedown: null });
    expect(await linkNow(harmless)).toMatchObject({ disabledAt: null, warnings: [] });
    const domain = await eventually(
      () => tenant.get<DomainBody>(`/v1/domains/${tenant.domainId}`),
      ({ body }) => body.rootUrl === null,
    );
    expect(domain.body.expiredUrl).toBe('https://example.com/over');
    const [event] = await everything<Record<string, unknown>>(tenant, `/v1/audit-events?target=${link.id}`);
    expect(event).toMatchObject({
      action: 'link.disabled',
      actor: 'system',
      before: { disabledAt: null },
      after: { reason: 'destination_listed' },
    });

    // Its tenant can switch it on again with another destination, and not with this one.
    const on = () => tenant.patch<ProblemBody>(`/v1/links/${link.id}`, { disabledAt: null });
    // The api looks at the file by itself: it may be some seconds behind the worker.
    const refused = await eventually(on, ({ status }) => status === 422, 20);
    expect(refused.body).toMatchObject({ errors: [{ code: 'destination_listed' }] });
    const moved = await tenant.patch<LinkBody>(`/v1/links/${link.id}`, {
      disabledAt: null,
      url: 'https://example.com/',
    });
    expect(moved.body).toMatchObject({ disabledAt: null, warnings: [] });
    await everywhere(link, 'https://example.com/');
  }, 150_000);

  it('reaches the last of many links, piece by piece', async () => {
    const crowded = await deployment.newTenant();
    await crowded.link({ key: 'first' });
    const admin = new pg.Client(deployment.postgres.adminUrl);
    await admin.connect();
    await admin.query(
      `INSERT INTO links (tenant_id, id, domain_id, key, url, redirect_status, forward_query, archived, created_by, created_at, updated_at)
       SELECT tenant_id, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, domain_id, 'many-' || n, url,
              302, false, false, 'x', now(), now()
       FROM links, generate_series(1, 6000) AS n WHERE key = 'first'`,
    );
    await admin.end();
    const { id } = await crowded.link({ url: 'https://latest.example/' });
    await list('listed.example', 'latest.example');
    const { body } = await eventually(
      () => crowded.get<LinkBody>(`/v1/links/${id}`),
      ({ body }) => body.disabledAt !== null,
      100,
    );
    expect(body.warnings).toEqual(['destination_listed']);
  }, 150_000);

  it('takes its warning back when a host is no longer listed', async () => {
    await list('listed.example', 'passing.example', 'turned.example');
    const { body } = await eventually(
      () => tenant.post<ProblemBody>('/v1/links', { url: 'https://passing.example/' }),
      ({ status }) => status === 422,
      60,
    );
    expect(body).toMatchObject({ errors: [{ code: 'destination_listed' }] });
    await list('listed.example');
    const again = await eventually(
      () => tenant.post<LinkBody>('/v1/links', { url: 'https://passing.example/' }),
      ({ status }) => status === 201,
      60,
    );
    expect(again.body.warnings).toEqual([]);
  }, 150_000);

  it('stays as it was while the file can not be read', async () => {
    await rm(feed);
    await eventually(
      async () => worker.process.output(),
      (output) => output.includes('REPUTATION_FEED can not be read'),
      60,
    );
    const answer = await tenant.post<ProblemBody>('/v1/links', { url: 'https://listed.example/' });
    expect(answer.body).toMatchObject({ errors: [{ code: 'destination_listed' }] });
  }, 90_000);
});

describe("the platform's policy", () => {
  it('switches off links made before, at the next look', async () => {
    const link = await tenant.link({ url: 'https://now-denied.example/' });
    const policy = { deny: { domains: ['now-denied.example'] } };
    const put = await deployment.operator.ask('PUT', '/v1/ops/destination-policy', { body: policy });
    expect(put.status).toBe(200);
    const disabled = await eventually(
      () => linkNow(link),
      ({ disabledAt }) => disabledAt !== null,
      60,
    );
    expect(disabled.warnings).toEqual(['destination_denied']);
    await everywhere(link, 404);
  }, 90_000);

  it('only marks them where the operator wants that', async () => {
    expect(await deployment.stop(worker)).toBe(0);
    worker = await deployment.start('worker', worker, {
      DESTINATION_RECHECK_HOURS: '0.001',
      DESTINATION_MATCHES: 'flag',
    });
    const link = await tenant.link({ url: 'https://only-marked.example/' });
    const put = (domains: string[]) =>
      deployment.operator.ask('PUT', '/v1/ops/destination-policy', { body: { deny: { domains } } });
    await put(['only-marked.example']);
    const marked = await eventually(
      () => linkNow(link),
      ({ warnings }) => String(warnings) !== '',
      60,
    );
    expect(marked).toMatchObject({ warnings: ['destination_denied'], disabledAt: null });
    await everywhere(link, link.url);
    await put([]);
    await eventually(
      () => linkNow(link),
      ({ warnings }) => String(warnings) === '',
      60,
    );
  }, 150_000);
});
