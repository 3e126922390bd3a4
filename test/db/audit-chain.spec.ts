import { beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { TypeID } from 'typeid-js';
import { checkpointText, type SignedCheckpoint } from '../../src/audit/checkpoint.js';
import { changes, type EventBody, verification, whenChained } from '../support/audit.js';
import { asRole, databaseUrl } from '../support/database.js';
import { everything } from '../support/pages.js';
import { eventually, newTenant, type Tenant } from '../support/waypost.js';

const uuidOf = (publicId: string): string => TypeID.fromString(publicId).toUUID();
const SEALER_LOCK = 7_719_255;

let tenant: Tenant;
/** Of the tenant, in their order: its own creation, its key, its domain, and five links. */
let events: EventBody[];

/** Does this as the owner of the tables, who keeps every rule of the database. */
const asOwner = <T>(work: (client: pg.Client) => Promise<T>, of: Tenant = tenant): Promise<T> =>
  asRole('postgres', async (client) => {
    await client.query('BEGIN');
    await client.query('SET LOCAL ROLE waypost_owner');
    await client.query(`SET LOCAL app.tenant_id = '${uuidOf(of.tenantId)}'`);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  });

/** @returns how many rows it touched: a tampering that does nothing proves nothing */
const tamper = (sql: string, values: unknown[] = []): Promise<number> =>
  asOwner(async (client) => (await client.query(sql, values)).rowCount ?? 0);

const eventAt = (sequence: number): string => uuidOf(events[sequence - 1]?.id ?? '');
const brokenAt = (fault: string, sequence: number | null, eventId: unknown = expect.anything()) =>
  expect.objectContaining({ intact: false, firstBreak: expect.objectContaining({ fault, sequence, eventId }) });

/** As it stands in the operators' log. */
async function loggedCheckpoint(): Promise<string> {
  const [row] = await asOwner(async (client) => {
    const { rows } = await client.query<SignedCheckpoint & { seq: string }>(
      `SELECT seq, hash, made_at AS "madeAt", signature FROM audit_checkpoints ORDER BY seq DESC LIMIT 1`,
    );
    return rows;
  });
  if (!row) throw new Error('There is no checkpoint');
  return checkpointText({ ...row, seq: Number(row.seq), tenantId: uuidOf(tenant.tenantId) });
}

/** While `work` runs, no event is chained: the time between a commit and that is as long as it likes. */
async function unchained<T>(work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: await databaseUrl('waypost_ingest') });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [SEALER_LOCK]);
    return await work();
  } finally {
    await client.end();
  }
}

beforeEach(async () => {
  tenant = await newTenant();
  for (let n = 1; n <= 5; n++) await tenant.link({ title: `Link ${n}` });
  await whenChained(tenant);
  events = (await everything<EventBody>(tenant, '/v1/audit-events')).toReversed();
});

describe('the chain of audit events', () => {
  it('is intact as it was made, as a whole and in part', async () => {
    expect(events.map(({ sequence }) => sequence).slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await verification(tenant)).toMatchObject({ intact: true, firstBreak: null });
    const part = await verification(tenant, '?fromSequence=3&toSequence=6');
    expect(part).toEqual({ intact: true, checked: 4, pending: 0, firstBreak: null });
    expect(await verification(tenant, `?checkpoint=${await loggedCheckpoint()}`)).toMatchObject({ intact: true });
  });

  it('has each event once and in a gapless order, whoever records at the same time', async () => {
    const links = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const own: string[] = [];
        for (let n = 0; n < 10; n++) own.push((await tenant.link()).id);
        return own;
      }),
    );
    await whenChained(tenant);
    const all = await everything<EventBody>(tenant, '/v1/audit-events');
    const sequences = all.flatMap(({ sequence }) => sequence ?? []).sort((a, b) => a - b);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    const created = all.filter(({ action }) => action === 'link.created').map(({ target }) => target.id);
    expect(new Set(created).size).toBe(created.length);
    expect(created).toEqual(expect.arrayContaining(links.flat()));
    expect(await verification(tenant)).toMatchObject({ intact: true });
  });

  it.each([
    ['who did it', `actor = 'key_somebody_else'`],
    ['what it was about', `target_id = 'link_other'`],
    ['what came of it', `after = jsonb_set(after, '{title}', '"Forged"')`],
    ['when it was', `occurred_at = to_timestamp(0)`],
    ['from where', `address_prefix = '198.51.100.0/24'`],
    ['what its process had counted', `origin_count = origin_count - 1`],
  ])('tells of an event that was changed: %s', async (_what, change) => {
    expect(await tamper(`UPDATE audit_events SET ${change} WHERE id = $1`, [eventAt(5)])).toBe(1);
    expect(await verification(tenant)).toEqual(brokenAt('changed', 5, events[4]?.id));
    expect(await verification(tenant, '?fromSequence=6')).toMatchObject({ intact: true });
    expect(await verification(tenant, '?toSequence=4')).toMatchObject({ intact: true, checked: 4 });
  });

  it('tells of an event that was deleted, alone or with its link', async () => {
    await tamper('DELETE FROM audit_events WHERE id = $1', [eventAt(6)]);
    expect(await verification(tenant)).toEqual(brokenAt('missing', 6, events[5]?.id));
    expect(await tamper('DELETE FROM audit_chain WHERE seq = 6')).toBe(1);
    expect(await verification(tenant)).toEqual(brokenAt('missing', 6, null));
  });

  it('tells of events deleted with their links, where the others were moved up', async () => {
    await unchained(async () => {
      await tamper('DELETE FROM audit_events WHERE id = $1', [eventAt(6)]);
      await tamper('DELETE FROM audit_chain WHERE seq = 6');
      await tamper('DELETE FROM audit_checkpoints WHERE seq > 5');
      await tamper('UPDATE audit_chain SET seq = -seq WHERE seq > 6');
      await tamper('UPDATE audit_chain SET seq = -seq - 1 WHERE seq < 0');
    });
    expect(await verification(tenant)).toEqual(brokenAt('reordered', 6));
  });

  it('tells of events that changed places', async () => {
    for (const [from, to] of [[5, -1], [6, 5], [-1, 6]]) {
      expect(await tamper('UPDATE audit_chain SET seq = $2 WHERE seq = $1', [from, to])).toBe(1);
    } // prettier-ignore
    expect(await verification(tenant)).toEqual(brokenAt('reordered', 5));
  });

  it('tells of events that exchanged what they say', async () => {
    await tamper(
      `UPDATE audit_events AS e SET after = o.after, target_id = o.target_id FROM audit_events AS o
       WHERE (e.id = $1 AND o.id = $2) OR (e.id = $2 AND o.id = $1)`,
      [eventAt(5), eventAt(6)],
    );
    expect(await verification(tenant)).toEqual(brokenAt('changed', 5, events[4]?.id));
  });

  const COPY = `INSERT INTO audit_events (tenant_id, id, action, actor, target_type, target_id, after, request_id, occurred_at)
    SELECT tenant_id, gen_random_uuid(), action, actor, target_type, target_id, after, request_id, occurred_at
    FROM audit_events WHERE id = $1 RETURNING id`;

  it('tells of an event that was put in', async () => {
    expect(await tamper(COPY, [eventAt(5)])).toBe(1);
    expect(await verification(tenant)).toEqual(brokenAt('inserted', null));
  });

  it('tells of an event that was put in and noted for the chain, as if it were older than that', async () => {
    await tamper(
      `WITH made AS (${COPY}) INSERT INTO audit_pending SELECT $2::uuid, id FROM made ON CONFLICT DO NOTHING`,
      [eventAt(5), uuidOf(tenant.tenantId)],
    );
    const { id } = await tenant.link();
    await eventually(
      () => changes(tenant, `?target=${id}`),
      ([event]) => typeof event?.sequence === 'number',
      30,
    );
    expect(await verification(tenant)).toEqual(brokenAt('inserted', null));
  });

  it('tells of an event that was put in and noted with a code from elsewhere', async () => {
    await tamper(
      `WITH made AS (${COPY}) INSERT INTO audit_pending SELECT $2::uuid, id, (SELECT mac FROM audit_chain WHERE seq = 5) FROM made ON CONFLICT DO NOTHING`,
      [eventAt(5), uuidOf(tenant.tenantId)],
    );
    await whenChained(tenant);
    expect(await verification(tenant)).toMatchObject({ intact: false, firstBreak: { fault: 'changed' } });
  });

  it('tells of a tail that was cut off', async () => {
    const last = Math.max(...events.flatMap(({ sequence }) => sequence ?? []));
    await tamper('DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_chain WHERE seq > $1)', [last - 2]);
    await tamper('DELETE FROM audit_chain WHERE seq > $1', [last - 2]);
    expect(await verification(tenant)).toEqual(brokenAt('cut', last - 1, null));
  });

  it('tells of a tail that was cut off with its checkpoints, by one that stands in the log', async () => {
    await tenant.link();
    await whenChained(tenant);
    const restore = async (client: pg.Client): Promise<void> => {
      // Back to an earlier checkpoint, as if a backup had been restored.
      const { rows } = await client.query<{ seq: string }>(
        'SELECT seq FROM audit_checkpoints WHERE seq < (SELECT max(seq) FROM audit_checkpoints) ORDER BY seq DESC LIMIT 1',
      );
      const seq = rows[0]?.seq;
      await client.query('DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_chain WHERE seq > $1)', [
        seq,
      ]);
      await client.query('DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_pending)');
      await client.query('DELETE FROM audit_pending');
      for (const table of ['audit_chain', 'audit_checkpoints']) {
        expect((await client.query(`DELETE FROM ${table} WHERE seq > $1`, [seq])).rowCount).toBeGreaterThan(0);
      }
    };
    // Not before: that somebody looked is chained, too, and makes another checkpoint.
    const kept = await unchained(async () => {
      const last = await loggedCheckpoint();
      await asOwner(restore);
      return last;
    });
    const found = await verification(tenant, `?checkpoint=${kept}`);
    expect(found).toMatchObject({ intact: false });
    expect(['cut', 'rewritten', 'missing']).toContain(found.firstBreak?.fault);
    // Also without the log: what the process goes on to record says how much was there before.
    await tenant.link();
    await whenChained(tenant);
    expect(await verification(tenant)).toMatchObject({ intact: false, firstBreak: { fault: 'missing' } });
  });

  it('takes no checkpoint that is made up, or of another tenant', async () => {
    const checkpoint = await loggedCheckpoint();
    const other = await newTenant();
    const refused = { status: 422, body: { code: 'invalid_input' } };
    expect(await other.get(`/v1/audit-events/verify?checkpoint=${checkpoint}`)).toMatchObject(refused);
    expect(await tenant.get(`/v1/audit-events/verify?checkpoint=9${checkpoint}`)).toMatchObject(refused);
    expect(await tenant.get('/v1/audit-events/verify?checkpoint=x')).toMatchObject(refused);
  });

  it('tells of an event that was deleted before it was chained', async () => {
    await unchained(async () => {
      const { id } = await tenant.link();
      await tenant.link();
      const [event] = await changes(tenant, `?target=${id}`);
      const values = [uuidOf(event?.id ?? '')];
      expect(await tamper('DELETE FROM audit_events WHERE id = $1', values)).toBe(1);
      expect(await verification(tenant)).toEqual(brokenAt('missing', null, event?.id));

      expect(await tamper('DELETE FROM audit_pending WHERE event_id = $1', values)).toBe(1);
    });
    await whenChained(tenant);
    expect(await verification(tenant)).toMatchObject({ intact: false, firstBreak: { fault: 'missing' } });
  });

  it('tells of an event that was changed before it was chained', async () => {
    await unchained(async () => {
      const { id } = await tenant.link();
      const [event] = await changes(tenant, `?target=${id}`);
      await tamper(`UPDATE audit_events SET actor = 'x' WHERE id = $1`, [uuidOf(event?.id ?? '')]);
      expect(await verification(tenant)).toEqual(brokenAt('changed', null, event?.id));
    });
    await whenChained(tenant);
    expect(await verification(tenant)).toMatchObject({ intact: false, firstBreak: { fault: 'changed' } });
  });

  it('does not stop for an event that somebody notes a second time', async () => {
    await asRole('waypost_app', async (client) => {
      await client.query('BEGIN');
      await client.query(`SET LOCAL app.tenant_id = '${uuidOf(tenant.tenantId)}'`);
      await client.query('INSERT INTO audit_pending SELECT tenant_id, event_id, mac FROM audit_chain');
      await client.query('COMMIT');
    });
    const other = await newTenant();
    await whenChained(other);
    await whenChained(tenant);
    expect(await verification(other)).toMatchObject({ intact: true });
    expect(await verification(tenant)).toMatchObject({ intact: true });
  });

  it('leaves the other tenants intact', async () => {
    const other = await newTenant();
    await tamper(`UPDATE audit_events SET actor = 'x' WHERE id = $1`, [eventAt(5)]);
    await whenChained(other);
    expect(await verification(other)).toMatchObject({ intact: true });
  });
});
