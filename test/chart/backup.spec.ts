import { execFileSync, spawn, type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../support/free-port.js';

const SCRIPT = join(import.meta.dirname, '../../helm/waypost/files/backup.sh');
const INSTALLED = '/usr/lib/postgresql';
/** The embedded PostgreSQL has no pg_dump. */
const bin = (existsSync(INSTALLED) ? readdirSync(INSTALLED) : [])
  .map((release) => join(INSTALLED, release, 'bin'))
  .find((folder) => ['initdb', 'postgres', 'pg_dump', 'pg_restore'].every((name) => existsSync(join(folder, name))));
if (bin === undefined) process.stderr.write('Skipped: the dump, for no PostgreSQL with pg_dump is installed\n');

(bin === undefined ? describe.skip : describe)('the script of the daily dump', () => {
  const path = bin ?? '';
  let folder: string;
  let dumps: string;
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waypost-dump-'));
    dumps = join(folder, 'dumps');
    const data = join(folder, 'data');
    await chmod(folder, 0o711);
    for (const one of [dumps, data]) await mkdir(one, { mode: 0o700 });
    // PostgreSQL refuses to run as root.
    const account =
      process.getuid?.() === 0
        ? Object.fromEntries(
            ['u', 'g'].map((flag) => [`${flag}id`, Number(execFileSync('id', [`-${flag}`, 'postgres']))]),
          )
        : {};
    if (account.uid !== undefined && account.gid !== undefined) await chown(data, account.uid, account.gid);
    const options = { ...account, cwd: data, stdio: 'ignore' as const };
    execFileSync(join(path, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust'], options);
    const port = await freePort();
    const settings = ['-c', `port=${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
    server = spawn(join(path, 'postgres'), ['-D', data, ...settings], options);
    url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    while (psql('CREATE TABLE links AS SELECT generate_series(1, 1000) AS id') !== 0) {
      if (server.exitCode !== null) throw new Error('PostgreSQL has ended');
    }
  }, 60_000);

  afterAll(async () => {
    server.kill('SIGINT');
    if (server.exitCode === null) await once(server, 'exit');
    await rm(folder, { recursive: true, force: true });
  });

  const psql = (sql: string): number | null =>
    spawnSync(join(path, 'psql'), [url, '-c', sql], { stdio: 'ignore' }).status;

  const dump = (database = url): { status: number | null; output: string } => {
    const env = {
      BACKUP_FOLDER: dumps,
      BACKUP_KEEP: '2',
      BACKUP_DATABASE_URL: database,
      PATH: `${path}:/usr/bin:/bin`,
    };
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', `. '${SCRIPT}'`], { env, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };

  it('makes a dump that can be restored', async () => {
    expect(dump()).toEqual({
      status: 0,
      output: expect.stringMatching(/^waypost-\S+\.dump: \d+ bytes; 1 dumps are kept\n$/),
    });
    const [name = ''] = await readdir(dumps);
    const shown = spawnSync(join(path, 'pg_restore'), ['--data-only', '--file=-', join(dumps, name)], {
      encoding: 'utf8',
    });
    expect(shown.stdout).toMatch(/COPY public\.links[^]*\n999\n1000\n/);
  });

  it('keeps the newest, as many as it is told', async () => {
    for (const name of ['waypost-20200101T000000Z.dump', 'waypost-20200102T000000Z.dump'])
      await writeFile(join(dumps, name), '');
    await writeFile(join(dumps, 'notes.txt'), 'not a dump');
    expect(dump().status).toBe(0);
    const kept = await readdir(dumps);
    expect(kept).toContain('notes.txt');
    expect(kept.filter((name) => name.endsWith('.dump'))).toHaveLength(2);
    expect(kept.filter((name) => name.includes('20200101'))).toEqual([]);
  });

  it('fails and takes none away when there is nothing to dump, and clears up the next time', async () => {
    const before = await readdir(dumps);
    await writeFile(join(dumps, '.unfinished-of-a-killed-run'), '');
    const { status, output } = dump(url.replace(/postgres$/, 'nothing'));
    expect(status).not.toBe(0);
    expect(output).not.toContain('bytes');
    expect((await readdir(dumps)).filter((name) => !name.startsWith('.unfinished'))).toEqual(before);
    expect(dump().status).toBe(0);
    expect((await readdir(dumps)).filter((name) => name.startsWith('.unfinished'))).toEqual([]);
  });
});
