import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { OwnPostgres } from '../support/own-postgres.js';
import { removeData, spawnWaypost } from '../support/waypost-process.js';

const OTHERS = ['waypost_app', 'waypost_ingest', 'waypost_resolver'];
/** As docs/operations.md says it. */
const RIGHTS = [
  'ALTER ROLE waypost_owner CREATEROLE',
  `GRANT ${OTHERS.join(', ')} TO waypost_owner WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`,
];

describe('waypost migrate as waypost_owner, where a superuser has made the roles', () => {
  let dataDir: string;
  let postgres: OwnPostgres;
  let admin: pg.Client;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-migrate-'));
    postgres = await OwnPostgres.start(dataDir);
    admin = new pg.Client({ connectionString: postgres.adminUrl });
    await admin.connect();
    for (const role of ['waypost_owner', ...OTHERS]) {
      const { password } = new URL(postgres.urlFor(role));
      await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(decodeURIComponent(password))}`);
    }
  }, 90_000);
  afterAll(async () => {
    await admin.end();
    await postgres.stop();
    await removeData(dataDir);
  });

  const urlOf = (role: string, database: string): string =>
    Object.assign(new URL(postgres.urlFor(role)), { pathname: `/${database}` }).href;

  async function migrate(database: string): Promise<{ code: unknown; output: string }> {
    const env = {
      REDIS_URL: '',
      DATABASE_OWNER_URL: urlOf('waypost_owner', database),
      DATABASE_URL: urlOf('waypost_app', database),
      DATABASE_INGEST_URL: urlOf('waypost_ingest', database),
      DATABASE_RESOLVER_URL: urlOf('waypost_resolver', database),
      HASH_PARTITIONS: '1',
    };
    const { exited, output } = spawnWaypost(env, 'dist/waypost.js migrate');
    return { code: await exited, output: output() };
  }

  it('says which statements are left to a superuser, and goes on after these', async () => {
    await admin.query('CREATE DATABASE told OWNER waypost_owner');
    const refused = await migrate('told');
    expect(refused).toEqual({
      code: 1,
      output: expect.stringMatching(/^DATABASE_OWNER_URL: waypost_owner may not make or alter roles\. /),
    });
    const [, ...statements] = refused.output.trim().split('\n');
    expect(statements).toHaveLength(9);
    expect(refused.output).toContain(`ALTER ROLE waypost_app IN DATABASE "told" SET statement_timeout = '8s';`);
    for (const statement of statements) await admin.query(statement);
    expect(await migrate('told')).toEqual({ code: 0, output: expect.stringContaining('Migrated: ') });
    expect(await migrate('told')).toEqual({ code: 0, output: 'Up to date\n' });
  }, 120_000);

  it('needs nobody when it has the rights that the documents name', async () => {
    await admin.query('CREATE DATABASE granted OWNER waypost_owner');
    for (const statement of RIGHTS) await admin.query(statement);
    expect(await migrate('granted')).toEqual({ code: 0, output: expect.stringContaining('Migrated: ') });
    // With the others' policies it would see the rows of all tenants.
    const { rows } = await admin.query<{ uses: boolean }>(
      `SELECT bool_or(pg_has_role('waypost_owner', name, 'USAGE')) AS uses FROM unnest($1::name[]) AS name`,
      [OTHERS],
    );
    expect(rows).toEqual([{ uses: false }]);
  }, 120_000);
});
