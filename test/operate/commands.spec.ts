import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Caller, underTest, unique } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

interface Told {
  code: unknown;
  out: string;
  complaint: string;
}

async function command(words: string, env: Record<string, string> = { DATA_DIR: underTest.dataDir }): Promise<Told> {
  const { child, exited } = spawnWaypost(env, `dist/waypost.js ${words}`);
  const told = { out: '', complaint: '' };
  child.stdout?.on('data', (chunk: Buffer) => (told.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (told.complaint += chunk.toString()));
  return { code: await exited, ...told };
}

const json = <T>({ code, out, complaint }: Told): T => {
  expect([code, complaint]).toEqual([0, '']);
  return JSON.parse(out) as T;
};

const COMMANDS = [
  'migrate', 'doctor', 'reconcile', 'rotate-keys', 'version', 'dead-letters', 'dead-letters list', 'dead-letters show', 'dead-letters redrive',
  'partitions', 'partitions list', 'partitions make', 'partitions drop', 'tenants', 'tenants list', 'tenants show', 'tenants create', 'tenants suspend',
  'tenants resume', 'tenants delete', 'tenants export', 'tenants import',
]; // prettier-ignore

describe('waypost', () => {
  it.each(COMMANDS)('says what %s is for, and how it is used', async (words) => {
    const { code, out } = await command(`${words} --help`, {});
    expect(code).toBe(0);
    expect(out).toContain(`Usage: waypost ${words} `);
    expect(out).toMatch(/\n\n\S/);
  });

  it.each([
    ['bury', /unknown command 'bury'/],
    ['tenants creat', /unknown command 'creat'[^]*Did you mean create\?/],
    ['tenants create --name x', /required option '--slug <slug>'/],
    ['tenants create --name x --slug Not_One', /--slug: Use 1 to 63 lower-case/],
    ['tenants show tnt_x', /tnt_x is no id of a tenant/],
    ['partitions make --months 99', /--months must be from 0 to 23/],
    ['reconcile --days 14', /--days must be from 1 to 13/],
    ['doctor --loud', /unknown option '--loud'/],
  ])('ends with 2 after %s, and says why', async (words, complaint) => {
    const told = await command(words);
    expect([told.code, told.out]).toEqual([2, '']);
    expect(told.complaint).toMatch(complaint);
  });

  it('ends with 1 where it can not do what it is asked', async () => {
    const nobody = await command('tenants show nobody-has-this-slug');
    expect(nobody).toEqual({ code: 1, out: '', complaint: 'There is no such tenant.\n' });
    const nowhere = await command('tenants list', { DATA_DIR: '/nowhere', DATABASE_URL: '' });
    expect(nowhere).toMatchObject({
      code: 1,
      complaint: expect.stringMatching(/^No embedded PostgreSQL runs in \/nowhere/),
    });
    const embedded = await command('migrate', { DATABASE_URL: '' });
    expect(embedded).toMatchObject({ code: 1, complaint: expect.stringMatching(/^DATABASE_URL is not set/) });
  });

  it('makes a tenant, shows it, suspends it, and deletes it when told so twice', async () => {
    const slug = unique();
    const made = json<{ id: string; apiKey: string }>(await command(`tenants create --name ${slug} --slug ${slug} --plan team`));
    const caller = new Caller(made.apiKey);
    expect((await caller.get('/v1/tenant')).body).toMatchObject({ id: made.id, slug, plan: 'team' });
    const { apiKey: _, ...shown } = made;
    expect(json(await command(`tenants show ${slug}`))).toEqual(shown);
    expect(json(await command(`tenants show ${made.id}`))).toEqual(shown);
    expect(json<{ data: unknown[] }>(await command('tenants list --json')).data).toContainEqual(shown);
    expect((await command('tenants list')).out).toMatch(new RegExp(`^${made.id}  ${slug} +team +active +${slug}$`, 'm'));
    expect(await command(`tenants create --name again --slug ${slug}`)).toMatchObject({ code: 1, complaint: `Another tenant has the slug ${slug}.\n` });

    expect(json(await command(`tenants suspend ${slug} --redirects`))).toMatchObject({ suspendedAt: expect.any(String), redirectsWhileSuspended: true });
    expect(await caller.get('/v1/links')).toBeProblem(403, 'tenant_suspended');
    expect(json(await command(`tenants resume ${slug}`))).toMatchObject({ suspendedAt: null });
    expect((await caller.get('/v1/links')).status).toBe(200);

    expect(await command(`tenants delete ${made.id} --confirm another`)).toMatchObject({ code: 2, complaint: expect.stringContaining('nothing was deleted') });
    expect(await command(`tenants delete ${made.id} --confirm ${slug}`)).toMatchObject({ code: 0 });
    expect((await command(`tenants show ${slug}`)).code).toBe(1);
  }, 90_000); // prettier-ignore

  it('works on the embedded default, as the owner too, and ends at once where it can not', async () => {
    const slug = unique();
    await command(`tenants create --name ${slug} --slug ${slug}`);
    const file = join(await mkdtemp(join(tmpdir(), 'waypost-commands-')), 'file');
    expect(await command(`tenants export ${slug} --out ${file} --no-audit`)).toMatchObject({ code: 0, complaint: '' });
    expect(await command(`tenants import ${file}`)).toMatchObject({ code: 1, out: '', complaint: expect.stringMatching(/^The tenant tnt_\w+ is here already.*\n$/) });
    await rm(dirname(file), { recursive: true });
    const { findings } = JSON.parse((await command('doctor --json')).out) as { findings: Array<{ id: string }> };
    expect(findings.filter(({ id }) => ['owner_unreachable', 'check_failed'].includes(id))).toEqual([]);
    const another = { DATA_DIR: underTest.dataDir, SECRET_KEY: randomBytes(32).toString('base64') };
    // One line, and no pool that keeps it for half a minute.
    expect(await command('tenants list', another)).toEqual({ code: 1, out: '', complaint: expect.stringMatching(/^SECRET_KEY: is not the one .*\n$/) });
  }, 60_000); // prettier-ignore

  it('lists months of clicks, and makes those to come', async () => {
    const months = (await command('partitions list --json')) satisfies Told;
    const { data } = json<{ data: Array<{ month: string; clicks: number; bytes: number; expired: boolean }> }>(months);
    const now = new Date().toISOString().slice(0, 7);
    expect(data).toContainEqual({ month: now, clicks: expect.any(Number), bytes: expect.any(Number), expired: false });
    expect((await command('partitions list')).out).toMatch(new RegExp(`^${now} +\\d+ +\\d+\\.\\d`, 'm'));
    expect(json(await command('partitions make --json'))).toEqual({ made: 0 });
    const { code, out } = await command('partitions drop --dry-run');
    expect([code, out]).toEqual([0, expect.stringMatching(/^No month is past retention$|^Would drop /m)]);
    // Other tests make months of their own that are old enough.
    const kept = new Date(Date.now() - 365 * 24 * 3600 * 1000).toISOString().slice(0, 'yyyy-mm'.length);
    for (const [month] of out.matchAll(/\d{4}-\d{2}/g)) expect(month < kept).toBe(true);
  }, 60_000);
});
