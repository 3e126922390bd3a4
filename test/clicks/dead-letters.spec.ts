import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEAD_CLICKS_KEY } from '../../src/clicks/clicks.jobs.js';
import { DeadClicksRepository } from '../../src/clicks/dead-clicks.repository.js';
import { LedgerUpkeep } from '../../src/clicks/ledger.upkeep.js';
import { SegmentsRepository } from '../../src/clicks/segments.repository.js';
import { connect } from '../../src/platform/database/connect.js';
import { IngestDatabase } from '../../src/platform/database/ingest-database.js';
import { newId } from '../../src/platform/ids.js';
import { Secrets } from '../../src/platform/secrets/secrets.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { followed, segmentOf, Segments, uuidOf } from '../support/click-segments.js';
import { asRole, databaseUrl } from '../support/database.js';
import { metric } from '../support/metrics.js';
import { everything } from '../support/pages.js';
import { eventually, type LinkBody, newTenant, operator, type Tenant, underTest } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

interface LetterBody {
  id: string;
  tenantId: string | null;
  kind: string;
  segment: string;
  error: string;
  failedAt: string;
  redriveRequestedAt: string | null;
  redrivenAt: string | null;
  click?: Record<string, unknown> | null;
}

const PATH = '/v1/ops/dead-letters';
const bad = { tenantId: 'nobody', domainId: 'nowhere', linkId: '00000000-0000-7000-8000-000000000000' };

describe('dead letters', () => {
  let segments: Segments;
  let tenant: Tenant;
  let link: LinkBody;

  beforeAll(async () => {
    segments = await Segments.ofShared();
    tenant = await newTenant();
    link = await tenant.link();
  });
  afterAll(() => segments.close());

  const lettersOf = async (segment: string): Promise<LetterBody[]> =>
    (await everything<LetterBody>(operator, `${PATH}?limit=20`)).filter((letter) => letter.segment === segment);
  const clicksOf = async ({ id }: LinkBody): Promise<number> =>
    (await tenant.get<LinkBody>(`/v1/links/${id}`)).body.clicks;
  /** @returns as it was sealed before */
  const reseal = (segment: string, sealed: Buffer): Promise<Buffer> =>
    asRole('postgres', async (client) => {
      const { rows } = await client.query<{ sealed: Buffer }>('SELECT sealed FROM dead_clicks WHERE segment = $1', [
        segment,
      ]);
      await client.query('UPDATE dead_clicks SET sealed = $2 WHERE segment = $1', [segment, sealed]);
      return rows[0]?.sealed ?? Buffer.of();
    });
  const accountOf = (segment: string) =>
    asRole('postgres', async (client) => {
      const { rows } = await client.query<{ clicks: number; stored: number }>(
        `SELECT clicks, (SELECT coalesce(sum(stored), 0)::int FROM click_segment_days WHERE segment_id = id) AS stored
         FROM click_segments WHERE id = $1`,
        [segment],
      );
      return rows[0];
    });

  it('are the bad clicks of a batch alone, whatever stands around them, and each once', async () => {
    const good = followed(tenant, link);
    const links = Array.from({ length: 300 }, (_, n) => (n === 0 || n === 130 || n === 299 ? bad : good));
    const job = segmentOf(segments.secretKey, links);
    const before = await metric(underTest.opsUrl, 'waypost_clicks_dead_total');
    await segments.deliver(job);
    await eventually(
      () => accountOf(job.segment),
      (account) => account !== undefined,
    );
    await segments.deliver(job);
    await eventually(
      () => segments.unfinished(),
      (left) => left === 0,
    );
    expect(await accountOf(job.segment)).toEqual({ clicks: 300, stored: 297 });
    expect(await clicksOf(link)).toBe(297);
    const letters = await lettersOf(job.segment);
    expect(letters).toHaveLength(3);
    expect(letters[0]).toMatchObject({ kind: 'click', tenantId: null, redrivenAt: null, segment: job.segment });
    expect(letters[0]?.error).toContain('nobody');
    expect((await metric(underTest.opsUrl, 'waypost_clicks_dead_total')) - before).toBe(3);
    // What a scrape asks the database is remembered for some seconds.
    await eventually(
      () => metric(underTest.opsUrl, 'waypost_dead_letters'),
      (waiting) => waiting >= 3,
      20,
    );
  });

  it('show what was to be stored, without the address, which is nowhere in the clear', async () => {
    const job = segmentOf(segments.secretKey, [bad]);
    await segments.deliver(job);
    const [listed] = await eventually(
      () => lettersOf(job.segment),
      (letters) => letters.length === 1,
    );
    const { status, body } = await operator.get<LetterBody>(`${PATH}/${listed?.id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...listed, click: { linkId: bad.linkId, occurredAt: expect.any(String) } });
    expect(JSON.stringify(body)).not.toContain('192.0.2.7');
    const sealed = await asRole('postgres', async (client) => {
      const { rows } = await client.query<{ sealed: Buffer }>('SELECT sealed FROM dead_clicks WHERE segment = $1', [
        job.segment,
      ]);
      return rows[0]?.sealed.toString('latin1');
    });
    expect(sealed).not.toContain('192.0.2.7');
    expect(sealed).not.toContain('nothing');
  });

  it('are a whole segment where nothing of it can be opened, and the queue goes on', async () => {
    const foreign = segmentOf(randomBytes(32), [followed(tenant, link)]);
    const unnamed = { ...foreign, segment: 'no-id' + newId() };
    const other = await tenant.link();
    const job = segmentOf(segments.secretKey, [followed(tenant, other)]);
    for (const one of [foreign, unnamed, job]) await segments.deliver(one);
    await eventually(
      () => clicksOf(other),
      (clicks) => clicks === 1,
    );
    for (const { segment } of [foreign, unnamed]) {
      const [letter] = await eventually(
        () => lettersOf(segment),
        (letters) => letters.length === 1,
      );
      expect(letter).toMatchObject({ kind: 'segment', tenantId: null });
      expect((await operator.get<LetterBody>(`${PATH}/${letter?.id}`)).body.click).toBeNull();
    }
  });

  it('are stored once when they are redriven and nothing is wrong any more, and wait again otherwise', async () => {
    const mended = await tenant.link();
    // What a link's row was is gone at first: a constraint stands for a fault of ours that a release mends.
    const constraint = `clicks_no_${uuidOf(mended.id).replaceAll('-', '')}`;
    const change = (sql: string) => asRole('postgres', (client) => client.query(sql));
    await change(`ALTER TABLE clicks ADD CONSTRAINT ${constraint} CHECK (link_id <> '${uuidOf(mended.id)}') NOT VALID`);
    const job = segmentOf(segments.secretKey, [followed(tenant, mended), bad]);
    try {
      await segments.deliver(job);
      await eventually(
        () => lettersOf(job.segment),
        (letters) => letters.length === 2,
      );
    } finally {
      await change(`ALTER TABLE clicks DROP CONSTRAINT ${constraint}`);
    }
    const letters = await lettersOf(job.segment);
    const good = letters.find(({ tenantId }) => tenantId === tenant.tenantId);
    const hopeless = letters.find(({ tenantId }) => tenantId === null);
    const requested = await operator.post<LetterBody>(`${PATH}/${good?.id}/redrive`);
    expect(requested).toMatchObject({
      status: 200,
      body: { redriveRequestedAt: expect.any(String), redrivenAt: null },
    });
    expect((await operator.post<{ requested: number }>(`${PATH}/redrive`)).body.requested).toBeGreaterThanOrEqual(1);
    // Twice asked for, once noted; the other one has no tenant who could read it.
    await operator.post(`${PATH}/${good?.id}/redrive`);
    const trail = await everything<Record<string, unknown>>(tenant, '/v1/audit-events?action=dead_letter.redriven');
    expect(trail).toHaveLength(1);
    expect(trail[0]).toMatchObject({
      actor: 'platform',
      target: { type: 'dead_letter', id: good?.id },
      before: { segment: job.segment, error: good?.error },
      requestId: requested.headers['x-request-id'],
    });
    await eventually(
      () => operator.get<LetterBody>(`${PATH}/${good?.id}`),
      ({ body }) => body.redrivenAt !== null,
      30,
    );
    expect(await clicksOf(mended)).toBe(1);
    expect(await accountOf(job.segment)).toEqual({ clicks: 2, stored: 1 });
    const waits = await eventually(
      () => operator.get<LetterBody>(`${PATH}/${hopeless?.id}`),
      ({ body }) => body.redriveRequestedAt === null,
      30,
    );
    expect(waits.body).toMatchObject({ redrivenAt: null, error: expect.stringContaining('nobody') });
    expect(await operator.post(`${PATH}/${good?.id}/redrive`)).toBeProblem(409, 'already_redriven');
    const waiting = await everything<LetterBody>(operator, `${PATH}?waiting=true`);
    expect(waiting.map(({ id }) => id)).not.toContain(good?.id);
    expect(waiting.map(({ id }) => id)).toContain(hopeless?.id);
  }, 90_000);

  it('that no key opens are shown without their click, fail again, and let others have their turn', async () => {
    const jobs = [bad, bad].map((link) => segmentOf(segments.secretKey, [link]));
    const [foreign, other] = jobs.map(({ segment }) => segment) as [string, string];
    for (const job of jobs) await segments.deliver(job);
    const [sealed, after] = (await Promise.all(
      [foreign, other].map((segment) =>
        eventually(
          () => lettersOf(segment),
          (letters) => letters.length === 1,
        ),
      ),
    )) as [[LetterBody], [LetterBody]];
    const before = await reseal(foreign, new Secrets(randomBytes(32)).seal(DEAD_CLICKS_KEY, '{}'));
    try {
      const shown = await operator.get<LetterBody>(`${PATH}/${sealed[0].id}`);
      expect(shown).toMatchObject({ status: 200, body: { ...sealed[0], click: null } });
      for (const { id } of [sealed[0], after[0]]) {
        expect((await operator.post(`${PATH}/${id}/redrive`)).status).toBe(200);
      }
      const [failed] = await Promise.all(
        [sealed[0], after[0]].map(({ id }) =>
          eventually(
            () => operator.get<LetterBody>(`${PATH}/${id}`),
            ({ body }) => body.redriveRequestedAt === null,
            30,
          ),
        ),
      );
      expect(failed?.body).toMatchObject({ redrivenAt: null, error: expect.stringContaining('can not be opened') });
    } finally {
      await reseal(foreign, before);
    }
  }, 60_000);

  it('are listed, shown and redriven by a command, too', async () => {
    const job = segmentOf(segments.secretKey, [bad]);
    await segments.deliver(job);
    const [letter] = await eventually(
      () => lettersOf(job.segment),
      (letters) => letters.length === 1,
    );
    const command = async (args: string): Promise<string> => {
      const { exited, output } = spawnWaypost({ DATA_DIR: underTest.dataDir }, `dist/waypost.js dead-letters ${args}`);
      return `${await exited}: ${output()}`;
    };
    expect(await command('list')).toMatch(new RegExp(`^0: (.*\\n)*${letter?.id}  .*nobody`));
    const shown = await command(`show ${letter?.id}`);
    expect(shown).toMatch(/"tenantId": "nobody"/);
    expect(shown).not.toContain('192.0.2.7');
    const redriven = await command(`redrive ${letter?.id}`);
    expect(redriven).toMatch(/^0: (.*\n)*.*"redriveRequestedAt": "2/);
    // Nobody's audit trail has a click without a tenant: the log has it.
    expect(redriven).toMatch(new RegExp(`"deadLetter":"${letter?.id}".*"actor":"platform".*is to be tried again`));
    expect(await command('redrive --all')).toMatch(/^0: (.*\n)*The worker tries \d+ again\n/);
    expect(await command('show dead_x')).toMatch(/^1: dead_x is no id of a dead letter/);
    expect(await command('bury')).toMatch(/^1: Use: npm run dead-letters/);
  }, 60_000);

  it('lose the address after two days, and are forgotten a month after they failed if they were stored after all', async () => {
    const made = [1, 2, 3, 4].map(() => segmentOf(segments.secretKey, [bad]));
    const [foreign, old, recent, done] = made.map(({ segment }) => segment) as [string, string, string, string];
    for (const job of made) await segments.deliver(job);
    for (const [segment, change] of [
      // Nobody can open it, and the others do not wait for that.
      [foreign, `failed_at = now() - interval '3 days', sealed = '\\x00'`],
      [old, `failed_at = now() - interval '3 days'`],
      [done, `failed_at = now() - interval '31 days', redriven_at = now()`],
      [recent, `failed_at = now() - interval '1 day'`],
    ] as const) {
      await eventually(
        () => lettersOf(segment),
        (letters) => letters.length === 1,
      );
      await asRole('postgres', (client) =>
        client.query(`UPDATE dead_clicks SET ${change} WHERE segment = $1`, [segment]),
      );
    }
    const secrets = new Secrets(segments.secretKey);
    const logger = createLogger('error', false);
    const database = new IngestDatabase(
      await connect(
        { url: await databaseUrl('waypost_ingest'), applicationName: 'test', poolSize: 1, entities: [] },
        logger,
      ),
    );
    // Nothing is redriven here, so that the services which store are not asked.
    const none = undefined as never;
    const [letters, settled] = [new DeadClicksRepository(database), new SegmentsRepository(database)];
    await new LedgerUpkeep(none, none, letters, settled, secrets, none, none, logger).forget();
    await database.onApplicationShutdown();

    const sealed = await asRole('postgres', async (client) => {
      const { rows } = await client.query<{ segment: string; sealed: Buffer }>(
        'SELECT segment, sealed FROM dead_clicks WHERE segment = ANY ($1)',
        [[old, recent, done]],
      );
      return new Map(rows.map((row) => [row.segment, secrets.open(DEAD_CLICKS_KEY, row.sealed)]));
    });
    expect(sealed.get(old)).toContain('"tenantId":"nobody"');
    expect(sealed.get(old)).not.toContain('192.0.2.7');
    expect(sealed.get(recent)).toContain('192.0.2.7');
    expect(sealed.has(done)).toBe(false);
    expect(await accountOf(recent)).toEqual({ clicks: 1, stored: 0 });
  });

  it('are listed newest first, page by page, and are the operators’ alone', async () => {
    const letters = await everything<LetterBody>(operator, `${PATH}?limit=2`);
    expect(letters.length).toBeGreaterThan(4);
    expect(new Set(letters.map(({ id }) => id)).size).toBe(letters.length);
    const times = letters.map(({ failedAt }) => failedAt);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(await tenant.get(PATH)).toBeProblem(403, 'forbidden');
    expect(await tenant.post(`${PATH}/redrive`)).toBeProblem(403, 'forbidden');
    const nobody = letters[0]?.id.replace(/.{8}$/, '00000000');
    expect(await operator.get(`${PATH}/${nobody}`)).toBeProblem(404, 'dead_letter_not_found');
    expect(await operator.post(`${PATH}/${nobody}/redrive`)).toBeProblem(404, 'dead_letter_not_found');
    const hidden = await asRole(
      'waypost_app',
      async (client) => (await client.query('SELECT id FROM dead_clicks')).rows,
    );
    expect(hidden).toEqual([]);
  });
});
