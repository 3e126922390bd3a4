import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { ACCESS_CHECK_MS } from '../../src/platform/http/while-allowed.js';
import { clicked } from '../support/clicks.js';
import { asRole } from '../support/database.js';
import { newTenant, type Tenant, underTest } from '../support/waypost.js';

const ROWS = 60_000;

let tenant: Tenant;

/** So much that neither process nor network has room for it while nobody reads. */
async function fill(): Promise<void> {
  const uuid = TypeID.fromString(tenant.tenantId).toUUID();
  const link = await tenant.link();
  await clicked(tenant, [{ at: new Date(Date.now() - 3_600_000).toISOString(), link }]);
  await asRole('postgres', async (client) => {
    await client.query(
      `INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, utm_content)
       SELECT $1, gen_random_uuid(), $2, $3, now() - interval '50 minutes' + n * interval '1 ms', repeat('x', 300)
       FROM generate_series(1, ${ROWS}) AS n`,
      [uuid, TypeID.fromString(link.id).toUUID(), TypeID.fromString(tenant.domainId).toUUID()],
    );
    await client.query(
      `INSERT INTO audit_events (tenant_id, id, action, actor, target_type, target_id, after, request_id, occurred_at)
       SELECT $1, ('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'thing.made', 'system', 'thing', 'x',
              jsonb_build_object('text', repeat('x', 500)), 'r', now() - interval '1 day'
       FROM generate_series(1, ${ROWS}) AS n`,
      [uuid],
    );
  });
}

/** Asks with a key of its own, and reads nothing yet. */
async function begin(path: string): Promise<{ keyId: string; response: http.IncomingMessage }> {
  const { body } = await tenant.post<{ id: string; apiKey: string }>('/v1/api-keys', { name: path });
  const headers = { authorization: `Bearer ${body.apiKey}` };
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(underTest.apiUrl + path, { headers, agent: false }, resolve).on('error', reject);
  });
  expect(response.statusCode).toBe(200);
  return { keyId: body.id, response };
}

/** @returns lines that still came, and whether the answer was whole */
async function rest(response: http.IncomingMessage): Promise<{ lines: number; whole: boolean }> {
  let lines = 0;
  response.on('data', (piece: Buffer) => (lines += piece.filter((byte) => byte === 0x0a).length));
  // That it was cut off is an error, which is told by what it is not: complete.
  response.on('error', () => undefined);
  await new Promise((resolve) => response.once('close', resolve));
  return { lines, whole: response.complete };
}

beforeAll(async () => {
  tenant = await newTenant();
  await fill();
}, 120_000);

describe('an export', () => {
  it('ends when its credentials do, unfinished, and else goes on', async () => {
    const paths = ['/v1/analytics/export?format=ndjson&interval=24h', '/v1/audit-events/export'];
    const [revoked, kept] = [await Promise.all(paths.map(begin)), await Promise.all(paths.map(begin))];
    for (const { keyId } of revoked) expect((await tenant.delete(`/v1/api-keys/${keyId}`)).status).toBe(204);
    await sleep(ACCESS_CHECK_MS + 1_000);
    for (const { response } of revoked) {
      const { lines, whole } = await rest(response);
      expect([whole, lines < ROWS / 2]).toEqual([false, true]);
    }
    for (const { response } of kept) {
      const { lines, whole } = await rest(response);
      expect([whole, lines >= ROWS]).toEqual([true, true]);
    }
  }, 150_000);

  it('of the audit trail is given to two of a tenant at a time, and again when one is closed', async () => {
    const [first, second] = [await begin('/v1/audit-events/export'), await begin('/v1/audit-events/export')];
    const { status, body } = await tenant.get<{ code: string }>('/v1/audit-events/export');
    expect([status, body.code]).toEqual([429, 'too_many_exports']);
    first.response.destroy();
    await sleep(1_000);
    const third = await begin('/v1/audit-events/export');
    for (const { response } of [second, third]) response.destroy();
  }, 60_000);
});
