import { beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { TypeID } from 'typeid-js';
import { itOnOneServer } from '../support/on-one-server.js';
import { asRole } from '../support/database.js';
import { AUDIENCE, register } from '../support/identity-providers.js';
import { newTenant, type Tenant, unique } from '../support/waypost.js';

const TABLES = [
  'tenants',
  'domains',
  'links',
  'link_stats',
  'tags',
  'api_keys',
  'members',
  'identity_providers',
  'removed_identities',
  'audit_events',
  'audit_pending',
  'audit_chain',
  'audit_checkpoints',
  'idempotency_records',
  'clicks',
  'click_rollups',
  'click_spans',
  'link_spans',
  'visit_spans',
  'destination_policies',
  'takedowns',
  'link_usage',
  'scim_users',
  'scim_groups',
  'scim_group_members',
  'scim_settings',
];

const uuidOf = (publicId: string): string => TypeID.fromString(publicId).toUUID();

/** The platform's own policy of destinations holds for all tenants, and all read it. */
const PLATFORM_READS: Record<string, string> = {
  destination_policies: `WHERE tenant_id <> '00000000-0000-0000-0000-000000000000'`,
};

const count = async (client: pg.Client, table: string): Promise<number> =>
  Number((await client.query(`SELECT count(*) FROM ${table} ${PLATFORM_READS[table] ?? ''}`)).rows[0].count);

describe('row-level security', () => {
  let mine: Tenant;
  let theirs: Tenant;
  let theirLink: string;

  beforeAll(async () => {
    [mine, theirs] = await Promise.all([newTenant(), newTenant()]);
    await mine.link({ tags: ['mine'] });
    theirLink = uuidOf((await theirs.link({ tags: ['theirs'] })).id);
  });

  it.each(TABLES)('shows waypost_app no row of %s while no tenant is set', async (table) => {
    await asRole('waypost_app', async (client) => {
      expect(await count(client, table)).toBe(0);
      await client.query(`SET app.tenant_id = ''`);
      expect(await count(client, table)).toBe(0);
    });
  });

  it('shows one tenant its own rows alone', async () => {
    await asRole('waypost_app', async (client) => {
      await client.query('BEGIN');
      await client.query(`SET LOCAL app.tenant_id = '${uuidOf(mine.tenantId)}'`);
      for (const table of ['domains', 'links', 'tags', 'api_keys']) {
        const { rows } = await client.query(`SELECT DISTINCT tenant_id FROM ${table}`);
        expect(rows).toEqual([{ tenant_id: uuidOf(mine.tenantId) }]);
      }
      expect((await client.query('SELECT FROM links WHERE id = $1', [theirLink])).rowCount).toBe(0);
      expect((await client.query('SELECT FROM tenants')).rowCount).toBe(1);
      await client.query('ROLLBACK');
      expect(await count(client, 'links')).toBe(0);
    });
  });

  itOnOneServer('refuses rows for another tenant', async () => {
    await asRole('waypost_app', async (client) => {
      await client.query(`SET app.tenant_id = '${uuidOf(mine.tenantId)}'`);
      const insert = client.query('INSERT INTO tags (tenant_id, link_id, name) VALUES ($1, $2, $3)', [
        uuidOf(theirs.tenantId),
        theirLink,
        'x',
      ]);
      await expect(insert).rejects.toMatchObject({ code: '42501' });
      const move = client.query('UPDATE links SET tenant_id = $1', [uuidOf(theirs.tenantId)]);
      await expect(move).rejects.toMatchObject({ code: '42501' });
    });
  });

  it('changes and deletes nothing of another tenant, even when asked for all', async () => {
    await asRole('waypost_app', async (client) => {
      await client.query('BEGIN');
      await client.query(`SET LOCAL app.tenant_id = '${uuidOf(mine.tenantId)}'`);
      expect((await client.query('UPDATE links SET title = $1 WHERE id = $2', ['stolen', theirLink])).rowCount).toBe(0);
      expect((await client.query('DELETE FROM links WHERE tenant_id = $1', [uuidOf(theirs.tenantId)])).rowCount).toBe(
        0,
      );
      await client.query('ROLLBACK');
    });
  });

  it('lets the application neither change nor delete an audit event', async () => {
    await asRole('waypost_app', async (client) => {
      await client.query('BEGIN');
      await client.query(`SET LOCAL app.tenant_id = '${uuidOf(mine.tenantId)}'`);
      expect(await count(client, 'audit_events')).toBeGreaterThan(0);
      await client.query('COMMIT');
      await expect(client.query(`UPDATE audit_events SET actor = 'nobody'`)).rejects.toMatchObject({ code: '42501' });
      await expect(client.query('DELETE FROM audit_events')).rejects.toMatchObject({ code: '42501' });
      await expect(client.query('TRUNCATE audit_events')).rejects.toMatchObject({ code: '42501' });
    });
  });

  it('tells the application whether a hostname is a short domain, and nothing else of it', async () => {
    await asRole('waypost_app', async (client) => {
      const asked = await client.query('SELECT is_short_domain($1) AS known, is_short_domain($2) AS unknown', [
        theirs.domain,
        'example.com',
      ]);
      expect(asked.rows).toEqual([{ known: true, unknown: false }]);
      await client.query(`SET app.loop_check = 'on'`);
      expect(await count(client, 'domains')).toBe(0);
    });
  });

  it('tells the application which tenants take a token, and nothing else of them', async () => {
    const issuer = `https://${unique('id')}.example.com`;
    const { id } = await register(theirs, { issuer });
    await asRole('waypost_app', async (client) => {
      const ask = (...given: unknown[]) =>
        client.query('SELECT * FROM tenants_of_token($1, $2, $3, $4, $5)', [issuer, ...given]);
      const found = [{ tenant_id: uuidOf(theirs.tenantId), provider_id: uuidOf(id) }];
      expect((await ask([AUDIENCE, 'x'], 's', null, null)).rows).toEqual(found);
      expect((await ask([AUDIENCE], 's', uuidOf(theirs.tenantId), null)).rows).toEqual(found);
      expect((await ask([AUDIENCE], 's', uuidOf(mine.tenantId), null)).rows).toEqual([]);
      expect((await ask([AUDIENCE], 's', null, 'nobody')).rows).toEqual([]);
      expect((await ask(['x'], 's', null, null)).rows).toEqual([]);
      await client.query(`SET app.token_lookup = 'on'`);
      for (const table of ['identity_providers', 'members', 'tenants']) expect(await count(client, table)).toBe(0);
    });
  });

  it('shows the owner of the tables no row either', async () => {
    await asRole('postgres', async (client) => {
      await client.query('SET ROLE waypost_owner');
      for (const table of ['links', 'api_keys', 'audit_events']) expect(await count(client, table)).toBe(0);
    });
  });

  it('shows the resolver what a redirect needs and nothing else', async () => {
    await asRole('waypost_resolver', async (client) => {
      expect((await client.query('SELECT FROM resolver_links WHERE link_id = $1', [theirLink])).rowCount).toBe(1);
      for (const hidden of [
        'SELECT title FROM links',
        'SELECT * FROM links',
        'SELECT verification_token FROM domains',
        'SELECT name FROM tenants',
        'SELECT FROM api_keys',
        'SELECT FROM clicks',
        'SELECT FROM outbox',
        'UPDATE links SET url = url',
      ]) {
        await expect(client.query(hidden)).rejects.toMatchObject({ code: '42501' });
      }
    });
  });

  it('lets ingest write analytics, and of links read where they lead', async () => {
    await asRole('waypost_ingest', async (client) => {
      for (const hidden of [
        'SELECT key FROM links',
        'SELECT title FROM links',
        'UPDATE links SET flag = NULL',
        'SELECT FROM destination_policies',
        'SELECT FROM takedowns',
        'SELECT FROM api_keys',
        'SELECT name FROM tenants',
        'SELECT sealed_body FROM idempotency_records',
        'DELETE FROM clicks',
        'SELECT hostname FROM domains',
      ]) {
        await expect(client.query(hidden)).rejects.toMatchObject({ code: '42501' });
      }
    });
  });
});
