import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Deployment, type RoleProcess } from '../support/deployment.js';
import { answers, countOf, follow, type FullTenant, fullTenant, verified } from '../support/full-tenant.js';
import { installedPostgres, startInstalled } from '../support/installed-postgres.js';
import type { OwnPostgres } from '../support/own-postgres.js';
import { Caller, eventually } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

const bin = installedPostgres();
if (bin === undefined && process.env.CI)
  throw new Error('The restore drill needs a PostgreSQL with pg_dump (apt-get install postgresql)');
if (bin === undefined)
  process.stderr.write(
    'Skipped: the restore drill, for no PostgreSQL with pg_dump is installed (apt-get install postgresql)\n',
  );

/** As docs/backup.md says it. */
const BACKUP_ROLE = [
  `CREATE ROLE waypost_backup LOGIN BYPASSRLS PASSWORD 'a-secret'`,
  'GRANT pg_read_all_data TO waypost_backup',
];
const ROLES = [
  `CREATE ROLE waypost_owner LOGIN CREATEROLE PASSWORD 'a-secret'`,
  ...['waypost_app', 'waypost_ingest', 'waypost_resolver'].map(
    (role) => `CREATE ROLE ${role} LOGIN PASSWORD 'a-secret'`,
  ),
  'ALTER DATABASE waypost OWNER TO waypost_owner',
];
const OF_THE_PAST =
  'UPDATE clicks SET ingested = 0 WHERE ingested >= (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint';

async function asAdmin(postgres: OwnPostgres, statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.adminUrl });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

async function program(name: string, args: string[]): Promise<{ code: unknown; output: string }> {
  const child = spawn(join(bin ?? '', name), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code, output };
}

(bin === undefined ? describe.skip : describe)('a database that is lost', () => {
  const start = (dataDir: string): Promise<OwnPostgres> => startInstalled(bin ?? '', dataDir);
  let folder: string;
  let dump: string;
  let lost: Deployment;
  let full: FullTenant;
  let redirect: RoleProcess;
  let before: unknown[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waypost-restore-'));
    dump = join(folder, 'waypost.dump');
    lost = await Deployment.open(undefined, { start });
    [redirect] = await Promise.all([lost.start('redirect'), lost.start('worker'), lost.start('api')]);
    full = await fullTenant(lost, redirect);
    before = await answers(full.tenant);
    await asAdmin(lost.postgres, BACKUP_ROLE);
  }, 120_000);
  afterAll(async () => {
    await lost.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('was not dumped by its owner, whom pg_dump tells so, or gives nothing', async () => {
    const owner = `--dbname=${lost.postgres.urlFor('waypost_owner')}`;
    const refused = await program('pg_dump', ['-Fc', `--file=${dump}`, owner]);
    expect(refused.code).not.toBe(0);
    expect(refused.output).toMatch(/row-level security/);
    const text = join(folder, 'nothing.sql');
    const empty = await program('pg_dump', [
      '--enable-row-security',
      '--data-only',
      '--table=links*',
      `--file=${text}`,
      owner,
    ]);
    expect(empty).toEqual({ code: 0, output: '' });
    const { stdout } = spawnSync('grep', ['-c', full.link.id.slice(5, 12), text], { encoding: 'utf8' });
    expect(stdout.trim()).toBe('0');
  }, 60_000);

  it('comes back from a dump on a new server, with the clicks that were spooled since', async () => {
    const url = lost.postgres.urlFor('waypost_backup');
    expect(await program('pg_dump', ['-Fc', `--file=${dump}`, `--dbname=${url}`])).toEqual({ code: 0, output: '' });
    // What happens after the backup: visits go into the spool, and the database is gone before they come out.
    await lost.postgres.stop();
    for (let visit = 0; visit < 5; visit++) {
      expect((await follow(redirect, full.tenant.domain, full.link.key)).status).toBe(302);
    }
    await lost.kill(redirect);

    const { SECRET_KEY = '', PLATFORM_KEY = '' } = lost.env;
    const restored = await Deployment.open(undefined, {
      start,
      env: { SECRET_KEY, PLATFORM_KEY },
      fill: async (postgres) => {
        await asAdmin(postgres, ROLES);
        const target = `--dbname=${postgres.urlFor('waypost_owner')}`;
        expect(await program('pg_restore', ['--exit-on-error', '--no-owner', target, dump])).toEqual({
          code: 0,
          output: '',
        });
        await asAdmin(postgres, [OF_THE_PAST]);
      },
    });
    try {
      await proven(restored);
    } finally {
      await restored.close();
    }
  }, 180_000);

  async function proven(restored: Deployment): Promise<void> {
    await restored.start('api');
    const tenant = new Caller(full.tenant.apiKey, restored.api);
    expect(await answers(tenant)).toEqual(before);
    const clicks = await countOf(tenant);
    await restored.start('worker');
    // On the folder of the one that was killed.
    const again = await restored.start('redirect', redirect);
    await eventually(() => countOf(tenant), (count) => count === clicks + 5, 60); // prettier-ignore
    const seen = await follow(again, full.tenant.domain, full.link.key);
    expect([seen.status, seen.headers.location]).toEqual([302, full.link.url]);
    expect((await follow(again, full.tenant.domain, full.hidden.key)).status).toBe(404);
    await eventually(() => countOf(tenant), (count) => count === clicks + 6, 60); // prettier-ignore
    expect(await verified(tenant)).toMatchObject({ intact: true, firstBreak: null });
    const env = { ...restored.env, DATA_DIR: again.dataDir };
    const reconciled = spawnWaypost(env, 'dist/waypost.js reconcile --json');
    expect([await reconciled.exited, (JSON.parse(reconciled.output()) as { drift: string[] }).drift]).toEqual([0, []]);
    const doctor = spawnWaypost({ ...env, SPOOL_MAX_MB: '1' }, 'dist/waypost.js doctor --json');
    await doctor.exited;
    const { findings } = JSON.parse(doctor.output()) as { findings: Array<{ id: string }> };
    // The test's domains have no address, and the server's minor release is Debian's affair.
    const meant = new Set(['domain_unresolved', 'server_outdated']);
    expect(findings.filter(({ id }) => !meant.has(id))).toEqual([]);
  }
});
