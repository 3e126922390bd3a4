import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Customer, Deployment } from '../support/deployment.js';
import { describeWithPgBouncer, PgBouncer, SERVER_CONNECTIONS } from '../support/pgbouncer.js';
import type { LinkBody, PageBody } from '../support/waypost.js';

const TENANTS = 8;

describeWithPgBouncer('the api behind PgBouncer in transaction mode', () => {
  let deployment: Deployment;
  let bouncer: PgBouncer;
  let tenants: Customer[];

  beforeAll(async () => {
    deployment = await Deployment.open(12);
    bouncer = await PgBouncer.start(deployment.env.DATABASE_URL ?? '');
    // The worker's own role and the owner's go to the server itself: they hold locks and listen.
    await deployment.start('api', undefined, { DATABASE_URL: bouncer.url, DATABASE_POOL_SIZE: '20' });
    await deployment.start('worker', undefined, { DATABASE_URL: bouncer.url });
    tenants = [];
    for (let n = 0; n < TENANTS; n++) tenants.push(await deployment.newTenant());
  }, 180_000);
  afterAll(async () => {
    await deployment?.close();
    await bouncer?.stop();
  }, 120_000);

  it('serves requests of many tenants at once over few connections, and each sees its own alone', async () => {
    await Promise.all(
      tenants.map(async (tenant, index) => {
        for (let n = 0; n < 12; n++) {
          const key = `t${index}-${n}`;
          const made = await tenant.post<LinkBody>('/v1/links', {
            url: 'https://example.com/',
            key,
            title: `Of ${index}`,
          });
          expect(made.status).toBe(201);
          // A refused one in between: its transaction is given up, and its connection goes on to somebody else.
          expect((await tenant.post('/v1/links', { url: 'https://example.com/', key })).status).toBe(409);
          const { body } = await tenant.get<PageBody<LinkBody>>('/v1/links?limit=100');
          expect(body.data.map(({ title }) => title)).toEqual(Array(n + 1).fill(`Of ${index}`));
        }
      }),
    );
  }, 120_000);

  it('keeps its promise of idempotency, whose lock is the transaction', async () => {
    const [tenant] = tenants as [Customer];
    const create = () =>
      tenant.post<LinkBody>('/v1/links', { url: 'https://example.com/' }, { 'idempotency-key': 'at-once' });
    const answers = await Promise.all(Array.from({ length: 10 }, create));
    const made = answers.filter(({ status }) => status === 201);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
  });

  it('leaves no tenant behind on a connection', async () => {
    const client = new pg.Client({ connectionString: bouncer.url });
    await client.connect();
    try {
      for (let n = 0; n < 20; n++) {
        const { rows } = await client.query(
          `SELECT nullif(current_setting('app.tenant_id', true), '') AS tenant,
                  nullif(current_setting('app.platform', true), '') AS platform, (SELECT count(*) FROM links) AS links`,
        );
        expect(rows).toEqual([{ tenant: null, platform: null, links: '0' }]);
      }
    } finally {
      await client.end();
    }
  });

  it('uses no more connections of the server than it may', async () => {
    const client = new pg.Client({ connectionString: deployment.postgres.adminUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ count: number }>(
        `SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'waypost_app'`,
      );
      expect(rows[0]?.count).toBeGreaterThan(0);
      expect(rows[0]?.count).toBeLessThanOrEqual(SERVER_CONNECTIONS);
    } finally {
      await client.end();
    }
  });
});
