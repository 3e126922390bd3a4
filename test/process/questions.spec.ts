import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Customer, Deployment } from '../support/deployment.js';
import type { ProblemBody } from '../support/waypost.js';

const AT_ONCE = 4;
const WAITING = 16;
const TOO_MANY = 7;

describe('questions about clicks', () => {
  let deployment: Deployment;
  let tenant: Customer;
  let other: Customer;

  beforeAll(async () => {
    deployment = await Deployment.open(19);
    await deployment.start('api');
    [tenant, other] = await Promise.all([deployment.newTenant(), deployment.newTenant()]);
  }, 60_000);
  afterAll(async () => {
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  it('of one tenant leave connections to others, and are refused when too many wait', async () => {
    const admin = new pg.Client({ connectionString: deployment.postgres.adminUrl });
    await admin.connect();
    // Whoever reads sums waits.
    await admin.query('BEGIN; LOCK TABLE tenant_rollups IN ACCESS EXCLUSIVE MODE');
    const asked = Array.from({ length: AT_ONCE + WAITING + TOO_MANY }, () =>
      tenant.get<ProblemBody>('/v1/analytics?groupBy=count'),
    );
    let refused = 0;
    for (const answer of asked) void answer.then(({ status }) => (refused += Number(status === 429)));
    await sleep(2_000);
    expect(refused).toBe(TOO_MANY);
    const { rows } = await admin.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'waypost-app' AND wait_event_type = 'Lock'`,
    );
    expect(rows[0]?.n).toBe(AT_ONCE);
    expect((await other.get('/v1/links')).status).toBe(200);
    await admin.query('ROLLBACK');
    await admin.end();

    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(AT_ONCE + WAITING);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(answer).toBeProblem(429, 'too_many_questions');
      expect(answer.headers['retry-after']).toBe('1');
    }
    expect((await tenant.get('/v1/analytics?groupBy=count')).status).toBe(200);
  }, 60_000);
});
