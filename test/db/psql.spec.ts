import { beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { TypeID } from 'typeid-js';
import { describeOnOneServer } from '../support/on-one-server.js';
import { asRole } from '../support/database.js';
import { newTenant, type Tenant } from '../support/waypost.js';

// What somebody can do who has waypost_app's password and psql, in a session that is one tenant's.

const NIL = '00000000-0000-0000-0000-000000000000';

const uuidOf = (publicId: string): string => TypeID.fromString(publicId).toUUID();
const REFUSED = '42501';
/** No right to, or nothing that this kind of relation has. */
const NEVER = new Set([REFUSED, '42809', '42P17', '0A000']);

interface Table {
  name: string;
  columns: Array<{ name: string; type: string }>;
  tenantColumn: string;
}

let mine: Tenant;
let theirs: Tenant;
let tables: Table[];

const admin = <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => asRole('postgres', work);

/** Every table, partition and view of the application, with its columns, from the catalog. */
const readTables = (): Promise<Table[]> =>
  admin(async (client) => {
    const { rows } = await client.query<{ name: string; columns: Table['columns'] }>(`
      SELECT c.relname AS name,
             json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL)) ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname <> 'schema_migrations'
      GROUP BY c.relname ORDER BY c.relname`);
    return rows.map(({ name, columns }) => ({
      name,
      columns,
      tenantColumn: name === 'tenants' ? 'id' : (columns.find((column) => column.name === 'tenant_id')?.name ?? ''),
    }));
  });

/** What a check or a key asks of a column that its type does not tell. */
const VALUES: Record<string, string> = {
  'click_spans.kind': `'links'`,
  'domains.code_length': '7',
  'domains.is_primary': 'false',
  'dead_clicks.kind': `'click'`,
  'links.redirect_status': '302',
  'links.takedown': 'NULL',
  'members.directory_role': 'NULL',
  'members.own_role': 'NULL',
  'members.role': `'editor'`,
  'members.status': `'invited'`,
  'tenants.click_details': `'full'`,
  'tenants.click_retention_days': '30',
  'clicks.occurred_at': 'now()',
};
const OF_TYPE: Record<string, string> = {
  uuid: 'gen_random_uuid()', text: `'x' || gen_random_uuid()`, boolean: 'false', smallint: '1', integer: '1', bigint: '1',
  bytea: `'\\x01'`, jsonb: `'{}'`, 'timestamp with time zone': 'now()', date: 'now()::date', 'text[]': `'{}'`,
}; // prettier-ignore

const valueOf = ({ name }: Table, column: { name: string; type: string }): string =>
  VALUES[`${name.replace(/(_\d{4}_\d{2})?(_p\d{2,3})?$/, '')}.${column.name}`] ?? OF_TYPE[column.type] ?? 'NULL';

const insertFor = (table: Table, tenantId: string): string =>
  `INSERT INTO ${table.name} (${table.columns.map(({ name }) => name).join(', ')}) VALUES (${table.columns
    .map((column) => (column.name === table.tenantColumn ? `'${tenantId}'` : valueOf(table, column)))
    .join(', ')})`;

/** Of the partitioned tables themselves: what is put in there lies in a partition. */
const isWhole = ({ name }: Table): boolean => !/_p\d{2,3}$|_\d{4}_\d{2}$/.test(name) && !name.startsWith('resolver_');

/** Whatever foreign keys and triggers say, each table has a row of theirs: a table that has none proves nothing. */
async function fill(): Promise<void> {
  await admin(async (client) => {
    await client.query('SET session_replication_role = replica');
    for (const table of tables.filter((one) => isWhole(one) && one.tenantColumn !== '' && one.name !== 'tenants')) {
      for (const tenant of [mine, theirs])
        await client.query(`${insertFor(table, uuidOf(tenant.tenantId))} ON CONFLICT DO NOTHING`);
    }
  });
}

/** The worker takes these on meanwhile. */
const CARRIED = new Set(['audit_pending', 'audit_chain', 'audit_checkpoints', 'click_erasures', 'outbox']);
/** What the worker records of it. */
const OWN = ` AND actor <> 'system'`;

/** Their rows of every other table as they are, as one number each. */
const fingerprint = (): Promise<Record<string, string>> =>
  admin(async (client) => {
    const prints: Record<string, string> = {};
    const still = tables.filter((one) => isWhole(one) && one.tenantColumn !== '' && !CARRIED.has(one.name));
    for (const { name, tenantColumn } of still) {
      const { rows } = await client.query<{ print: string }>(
        `SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS print
         FROM ${name} AS t WHERE ${tenantColumn} = '${uuidOf(theirs.tenantId)}'${name === 'audit_events' ? OWN : ''}`,
      );
      prints[name] = rows[0]?.print ?? '';
    }
    return prints;
  });

/** A session of this role as psql opens one, which works for one tenant. */
const asMine = <T>(work: (client: pg.Client) => Promise<T>, role = 'waypost_app'): Promise<T> =>
  asRole(role, async (client) => {
    await client.query(`SET app.tenant_id = '${uuidOf(mine.tenantId)}'`);
    return work(client);
  });

/** What became of a statement: rows it touched or showed, or the state it was refused with. Nothing of it stays. */
async function tried(client: pg.Client, sql: string): Promise<{ rows: number; text: string; refused: string }> {
  await client.query('BEGIN');
  try {
    const result = await client.query({ text: sql, rowMode: 'array' });
    return { rows: result.rowCount ?? 0, text: JSON.stringify(result.rows), refused: '' };
  } catch (error) {
    return { rows: 0, text: '', refused: (error as pg.DatabaseError).code ?? String(error) };
  } finally {
    await client.query('ROLLBACK');
  }
}

beforeAll(async () => {
  [mine, theirs] = [await newTenant(), await newTenant()];
  for (const tenant of [mine, theirs]) await tenant.link({ tags: ['a'], title: 'Of one tenant' });
  tables = await readTables();
  await fill();
}, 60_000);

/** @throws whatever is no refusal */
function refusal(error: pg.DatabaseError): void {
  if (error.code !== REFUSED) throw error;
}

/** Each asks for all rows of theirs, or for all rows there are. */
/** All tenants read the platform's own policy of destinations, which has no tenant. */
const readable = (table: string): string =>
  [uuidOf(mine.tenantId), ...(table.startsWith('destination_policies') ? [NIL] : [])].map((id) => `'${id}'`).join();

const STATEMENTS: Record<string, (table: Table) => string[]> = {
  SELECT: ({ name, tenantColumn: c }) => [
    `SELECT * FROM ${name} WHERE ${c} = '${uuidOf(theirs.tenantId)}'`,
    `SELECT FROM ${name} WHERE ${c} NOT IN (${readable(name)})`,
    `SELECT FROM ONLY ${name} WHERE ${c} NOT IN (${readable(name)})`,
    `SELECT ${c} FROM ${name} WHERE ${c} = '${uuidOf(theirs.tenantId)}' FOR UPDATE`,
    `TABLE ${name} EXCEPT SELECT * FROM ${name} WHERE ${c} IN (${readable(name)})`,
  ],
  INSERT: (table) => [
    insertFor(table, uuidOf(theirs.tenantId)),
    `${insertFor(table, uuidOf(theirs.tenantId))} ON CONFLICT DO NOTHING`,
    `${insertFor(table, uuidOf(theirs.tenantId))} RETURNING *`,
  ],
  UPDATE: ({ name, tenantColumn: c, columns }) => [
    ...columns.map((column) => `UPDATE ${name} SET ${column.name} = ${column.name} WHERE ${c} <> '${uuidOf(mine.tenantId)}'`),
    `UPDATE ${name} SET ${c} = '${uuidOf(theirs.tenantId)}'`,
  ],
  DELETE: ({ name, tenantColumn: c }) => [
    `DELETE FROM ${name} WHERE ${c} = '${uuidOf(theirs.tenantId)}' RETURNING *`,
    `DELETE FROM ${name} WHERE ${c} <> '${uuidOf(mine.tenantId)}'`,
  ],
  MERGE: ({ name, tenantColumn: c }) => [
    `MERGE INTO ${name} USING (VALUES ('${uuidOf(theirs.tenantId)}'::uuid)) AS s (id) ON ${c} = s.id WHEN MATCHED THEN DELETE`,
  ],
}; // prettier-ignore

describeOnOneServer('with the credentials of waypost_app and psql', () => {
  it('all tables and views are tried, each with rows of another tenant', async () => {
    const prints = await fingerprint();
    expect(Object.keys(prints).length).toBeGreaterThan(14);
    expect(Object.entries(prints).filter(([, print]) => print.startsWith('0 '))).toEqual([]);
    // What has no tenant at all is tried below.
    const without = tables.filter(({ tenantColumn }) => tenantColumn === '').map(({ name }) => name);
    expect(without).toEqual(['click_segment_days', 'click_segments', 'deployment_keys', 'resolver_domains', 'upkeep_runs', 'visitor_salts'].filter((name) => name !== 'resolver_domains')); // prettier-ignore
  });

  it.each(Object.keys(STATEMENTS))(
    "no %s reaches another tenant's row, in any table or partition",
    async (verb) => {
      const before = await fingerprint();
      await asMine(async (client) => {
        for (const table of tables.filter(({ tenantColumn }) => tenantColumn !== '')) {
          for (const sql of STATEMENTS[verb]?.(table) ?? []) {
            const { rows, text } = await tried(client, sql);
            expect({ sql, rows, leak: text.includes(uuidOf(theirs.tenantId)) }).toEqual({ sql, rows: 0, leak: false });
          }
        }
      });
      expect(await fingerprint()).toEqual(before);
    },
    120_000,
  );

  it('no TRUNCATE, DDL or COPY does either', async () => {
    const unexpected: string[] = [];
    const before = await fingerprint();
    await asMine(async (client) => {
      for (const { name, columns } of tables) {
        const first = columns[0]?.name;
        for (const sql of [
          `TRUNCATE ${name}`,
          `DROP TABLE ${name}`,
          `ALTER TABLE ${name} DISABLE ROW LEVEL SECURITY`,
          `ALTER TABLE ${name} NO FORCE ROW LEVEL SECURITY`,
          `CREATE POLICY mine ON ${name} USING (true)`,
          `CREATE TRIGGER t BEFORE INSERT ON ${name} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
          `CREATE RULE r AS ON SELECT TO ${name} DO INSTEAD NOTHING`,
          `CREATE INDEX ON ${name} (${first})`,
          `CREATE STATISTICS s ON ${first}, ${columns[1]?.name} FROM ${name}`,
          `COMMENT ON TABLE ${name} IS 'x'`,
          `COPY ${name} TO '/tmp/x'`,
          `COPY ${name} TO PROGRAM 'cat'`,
          `COPY ${name} FROM '/etc/passwd'`,
        ]) {
          const { refused } = await tried(client, sql);
          if (!NEVER.has(refused)) unexpected.push(`${sql}: ${refused || 'done'}`);
        }
      }
    });
    expect(unexpected).toEqual([]);
    expect(await fingerprint()).toEqual(before);
  }, 120_000);

  it('a GRANT gives nothing: it has nothing to give', async () => {
    const rights = () =>
      admin(async (client) => (await client.query('SELECT relname, relacl::text FROM pg_class ORDER BY oid')).rows);
    const before = await rights();
    await asMine(async (client) => {
      const grants = tables.map(({ name }) => `GRANT ALL ON ${name} TO PUBLIC`);
      // A warning where it has some right itself, an error elsewhere.
      for (const sql of grants) await client.query(sql).catch(refusal);
    });
    expect(await rights()).toEqual(before);
  });

  it('no row as text, nor any part of one, names another tenant', async () => {
    await asMine(async (client) => {
      for (const { name } of tables.filter((one) => isWhole(one) && one.tenantColumn !== '')) {
        const sql = `SELECT count(*) FROM ${name} WHERE ${name}::text LIKE '%${uuidOf(theirs.tenantId)}%'`;
        const { refused, text } = await tried(client, sql);
        expect([name, refused || text]).toEqual([name, refused ? REFUSED : '[["0"]]']);
      }
    });
  });

  const TRICKS: Array<[string, string]> = [
    ['another role', 'SET ROLE waypost_owner'],
    ['another role', 'SET ROLE waypost_ingest'],
    ['another role', 'SET SESSION AUTHORIZATION postgres'],
    ['a role of their own', 'CREATE ROLE mine SUPERUSER'],
    ['a role that bypasses', 'ALTER ROLE waypost_app BYPASSRLS'],
    ['more rights', 'GRANT waypost_owner TO waypost_app'],
    ['no triggers and keys', 'SET session_replication_role = replica'],
    ['a library', `LOAD 'auto_explain'`],
    ['an extension', 'CREATE EXTENSION dblink'],
    ['an extension', 'CREATE EXTENSION file_fdw'],
    ['an extension', 'CREATE EXTENSION postgres_fdw'],
    ['a function in public', 'CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$'],
    ['an operator in public', 'CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = text, FUNCTION = texteq)'],
    ['a table in public', 'CREATE TABLE public.mine (x int)'],
    ['a view in public', 'CREATE VIEW public.mine AS SELECT * FROM links'],
    ['a schema', 'CREATE SCHEMA mine'],
    ['a language', 'CREATE LANGUAGE plperlu'],
    ['a publication', 'CREATE PUBLICATION mine FOR ALL TABLES'],
    ['a file', `SELECT pg_read_file('/etc/passwd')`],
    ['a file', `SELECT pg_ls_dir('.')`],
    ['a file as a large object', `SELECT lo_import('/etc/passwd')`],
    ['a large object as a file', `SELECT lo_export(1, '/tmp/x')`],
    ['a program', `COPY (SELECT 1) TO PROGRAM 'cat'`],
    ['a file', `COPY (SELECT 1) TO '/tmp/x'`],
    ['pages as they are', `SELECT get_raw_page('links', 0)`],
    ['statistics of columns', 'SELECT * FROM pg_statistic'],
    ['statistics of columns', 'SELECT * FROM pg_statistic_ext_data'],
    ['passwords', 'SELECT * FROM pg_authid'],
    ['passwords', 'SELECT * FROM pg_shadow'],
    ['the write-ahead log', 'SELECT pg_create_logical_replication_slot(\'s\', \'pgoutput\')'],
    ['a function that runs as its owner, anew', 'CREATE OR REPLACE FUNCTION is_short_domain(host text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$'],
    ['the worker\'s functions', `SELECT drop_click_partitions('2000-01-01')`],
    ['the queue', 'SELECT * FROM bullmq.bullmq_jobs'],
  ]; // prettier-ignore

  it.each(TRICKS)('gets nowhere with %s: %s', async (_what, sql) => {
    await asMine(async (client) => {
      const { refused } = await tried(client, sql);
      // What is not there, or not known, opens nothing either: 42883, 42P01, 58P01, 0A000, 55000.
      expect(refused).toMatch(/^(42501|42883|42P01|3F000|58P01|0A000|55000|42602|0LP01)$/);
    });
  });

  it('sees no statistics of what it may not see', async () => {
    await admin((client) => client.query('ANALYZE links, audit_events, domains'));
    await asMine(async (client) => {
      const names = tables.map(({ name }) => name);
      for (const view of ['pg_stats', 'pg_stats_ext', 'pg_stats_ext_exprs']) {
        const { rows } = await client.query(`SELECT tablename FROM ${view} WHERE tablename = ANY ($1)`, [names]);
        expect(rows).toEqual([]);
      }
    });
  });

  it('is refused, and not shown more, where it turns row-level security off', async () => {
    await asMine(async (client) => {
      await client.query('SET row_security = off');
      for (const name of ['links', 'api_keys', 'audit_events', 'domains', 'tenants']) {
        expect(await tried(client, `SELECT FROM ${name}`)).toMatchObject({ refused: REFUSED });
      }
    });
  });

  it('does not hear of other rows from a function that tells what it is called with', async () => {
    await asMine(async (client) => {
      const heard: string[] = [];
      client.on('notice', ({ message }) => heard.push(String(message)));
      await client.query('BEGIN');
      await client.query(
        `CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
         $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$`,
      );
      for (const name of ['links', 'domains', 'tenants', 'api_keys', 'audit_events']) {
        await client.query(`SELECT FROM ${name} AS t WHERE pg_temp.tell(t::text)`);
      }
      expect(heard.join()).toContain(uuidOf(mine.tenantId));
      await client.query('ROLLBACK');
      expect(heard.join()).not.toContain(uuidOf(theirs.tenantId));
    });
  });

  it('deceives no function that runs as its owner by names of its own', async () => {
    await asMine(async (client) => {
      await client.query('BEGIN');
      // A table of the session comes first wherever nobody says otherwise.
      await client.query('CREATE TEMP TABLE domains (hostname text)').catch(() => client.query('ROLLBACK; BEGIN'));
      await client.query('SET search_path = pg_temp, public');
      const { rows } = await client.query('SELECT is_short_domain($1) AS known', [theirs.domain]);
      expect(rows).toEqual([{ known: true }]);
      await client.query('ROLLBACK');
    });
  });

  it('may call functions that run as their owner, with a fixed search path, and these alone', async () => {
    const found = await admin(async (client) => {
      const { rows } = await client.query<{ name: string; safe: boolean; callers: string }>(`
        SELECT p.proname AS name,
               coalesce(array_to_string(p.proconfig, ',') LIKE 'search_path=%pg_temp', false) AS safe,
               (SELECT string_agg(r.rolname, ',' ORDER BY r.rolname) FROM pg_roles r
                WHERE r.rolname IN ('waypost_app', 'waypost_ingest', 'waypost_resolver')
                  AND has_function_privilege(r.oid, p.oid, 'EXECUTE')) AS callers
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`);
      return rows;
    });
    expect(found).toEqual([
      { name: 'compact_rollups', safe: true, callers: 'waypost_ingest' },
      { name: 'drop_click_partitions', safe: true, callers: 'waypost_ingest' },
      { name: 'find_link_anywhere', safe: true, callers: 'waypost_app' },
      { name: 'is_served_domain', safe: true, callers: 'waypost_app' },
      { name: 'is_short_domain', safe: true, callers: 'waypost_app' },
      { name: 'make_click_partitions', safe: true, callers: 'waypost_ingest' },
      { name: 'tenants_of_token', safe: true, callers: 'waypost_app' },
    ]);
  });

  it('can not change, delete or copy over an audit event of its own, by any verb', async () => {
    const events = `audit_events WHERE tenant_id = '${uuidOf(mine.tenantId)}'`;
    const tables = ['audit_events', 'audit_pending', 'audit_chain', 'audit_checkpoints'];
    await asMine(async (client) => {
      const statements = tables.flatMap((table) => [
        `UPDATE ${table} SET tenant_id = tenant_id`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table}`,
        `MERGE INTO ${table} AS t USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE`,
        `WITH gone AS (DELETE FROM ${table} RETURNING 1) SELECT count(*) FROM gone`,
        `SELECT FROM ${table} FOR UPDATE`,
      ]);
      const upsert = `INSERT INTO audit_events SELECT * FROM ${events} ON CONFLICT (tenant_id, id) DO UPDATE SET actor = 'x'`;
      for (const sql of [...statements, upsert]) {
        expect([sql, (await tried(client, sql)).refused]).toEqual([sql, REFUSED]);
      }
      // Nor in the chain or its checkpoints is anything put.
      for (const table of ['audit_chain', 'audit_checkpoints']) {
        const sql = `INSERT INTO ${table} SELECT * FROM ${table}`;
        expect([sql, (await tried(client, sql)).refused]).toEqual([sql, REFUSED]);
      }
      expect((await tried(client, `SELECT id FROM ${events}`)).rows).toBeGreaterThan(0);
    });
  });
});

describeOnOneServer('with the credentials of another role and psql', () => {
  const COLUMNS: Record<string, string[]> = {
    waypost_ingest: ['api_keys.secret_hash', 'audit_events.after', 'domains.hostname', 'idempotency_records.sealed_body', 'links.title', 'tags.name', 'tenants.name'],
    waypost_resolver: ['api_keys.secret_hash', 'audit_events.after', 'audit_pending.mac', 'clicks.id', 'deployment_keys.sealed', 'domains.verification_token', 'links.title', 'outbox.payload', 'tags.name', 'tenants.name', 'visitor_salts.salt'],
  }; // prettier-ignore

  it.each(Object.keys(COLUMNS))('%s reads none of these', async (role) => {
    await asMine(async (client) => {
      for (const column of COLUMNS[role] ?? []) {
        const [table, name] = column.split('.');
        expect([column, (await tried(client, `SELECT ${name} FROM ${table}`)).refused]).toEqual([column, REFUSED]);
      }
    }, role);
  });

  it.each(['waypost_ingest', 'waypost_resolver'])('%s changes no row of links, domains, keys, members or events', async (role) => {
    await asMine(async (client) => {
      for (const table of ['links', 'domains', 'tenants', 'api_keys', 'tags', 'audit_events', 'idempotency_records']) {
        const deletes = role === 'waypost_ingest' && table === 'idempotency_records';
        for (const sql of [
          `UPDATE ${table} SET ${table === 'tenants' ? 'id = id' : 'tenant_id = tenant_id'}`,
          `INSERT INTO ${table} SELECT * FROM ${table}`,
          `TRUNCATE ${table}`,
          ...(deletes ? [] : [`DELETE FROM ${table}`]),
        ]) {
          expect([sql, (await tried(client, sql)).refused]).toEqual([sql, REFUSED]);
        }
      }
    }, role);
  }); // prettier-ignore

  it('waypost_ingest adds to a chain, and neither changes nor deletes what is there', async () => {
    await asMine(async (client) => {
      for (const table of ['audit_chain', 'audit_checkpoints']) {
        expect((await tried(client, `SELECT FROM ${table}`)).rows).toBeGreaterThan(0);
        for (const sql of [`UPDATE ${table} SET hash = hash`, `DELETE FROM ${table}`, `TRUNCATE ${table}`]) {
          expect([sql, (await tried(client, sql)).refused]).toEqual([sql, REFUSED]);
        }
      }
      for (const sql of [
        `UPDATE audit_pending SET mac = mac`,
        `INSERT INTO audit_pending SELECT * FROM audit_pending`,
      ]) {
        expect([sql, (await tried(client, sql)).refused]).toEqual([sql, REFUSED]);
      }
    }, 'waypost_ingest');
  });

  it('waypost_resolver writes nothing at all', async () => {
    await asMine(async (client) => {
      const { rows } = await client.query(`
        SELECT c.relname, p.privilege FROM pg_class c
        CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS p (privilege)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND has_table_privilege(c.oid, p.privilege)`);
      expect(rows).toEqual([]);
    }, 'waypost_resolver');
  });
});
