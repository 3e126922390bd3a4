import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { AuditModule } from '../../audit/audit.module.js';
import { AuditRecorder } from '../../audit/audit.recorder.js';
import { Config } from '../../platform/config/config.js';
import { operatorContext } from '../../platform/context/system-context.js';
import { Transactions } from '../../platform/database/transactions.js';
import { DeploymentKeys } from '../../platform/secrets/deployment-keys.js';
import type { TenantEntity } from '../../tenants/tenant.entity.js';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { TenantsService } from '../../tenants/tenants.service.js';
import { DONE } from '../exit-codes.js';
import { withServices } from '../operator-app.js';
import { CommandError, say, sayJson, UsageError } from '../output.js';
import { named } from '../tenants.js';
import { readVersion } from '../version.js';
import { AUDIT, CARRIED, type CarriedTable, NOT_CARRIED_COLUMNS } from './carried-tables.js';
import { asOwner, columnsOf, setTenant } from './owner-session.js';
import { LineHash, newHeader, newTrailer, rowPrefix, sealKeys } from './tenant-file.js';

/** Rows in memory. */
const AT_ONCE = 1_000;

export interface TransferOptions {
  /** False: the audit trail stays. */
  audit: boolean;
  passphraseFile?: string;
  json?: true;
}

/** All rows of a tenant as of one moment, into a file of its own. */
export async function exportTenant(tenant: string, options: TransferOptions & { out: string }): Promise<number> {
  const { out } = options;
  if (await stat(out).catch(() => undefined)) throw new CommandError(`${out} is there already`);
  const passphrase = await passphraseOf(options);
  const rows = await withServices([AuditModule, TenantsModule], async (app) => {
    const found = await named(app.get(TenantsService, { strict: false }), operatorContext(), tenant);
    const ctx = { ...operatorContext(), tenantId: found.id };
    const recorder = app.get(AuditRecorder, { strict: false });
    await app.get(Transactions).run(ctx, (tx) => recorder.recordRead(tx, ctx, 'tenant.exported'));
    const keys = app.get(DeploymentKeys).auditKeys;
    return asOwner(app.get(Config).databaseUrls.owner, (client) =>
      writeFile(out, (counts) => lines(client, found, { keys, passphrase }, counts)),
    );
  });
  if (options.json) sayJson({ out, rows });
  else say(`Exported ${Object.values(rows).reduce((sum, count) => sum + count, 0)} rows to ${out}`);
  return DONE;
}

/** @returns undefined where the audit trail stays, and no key needs to be sealed */
export async function passphraseOf({ audit, passphraseFile }: TransferOptions): Promise<string | undefined> {
  if (!audit) return undefined;
  if (passphraseFile === undefined) {
    throw new UsageError(
      'The keys that prove the audit trail travel under a passphrase: name --passphrase-file, or leave the trail out with --no-audit',
    );
  }
  const passphrase = (await readFile(passphraseFile, 'utf8')).replace(/\r?\n$/, '');
  if (passphrase.length < 12) throw new UsageError(`${passphraseFile}: a passphrase has at least 12 characters`);
  return passphrase;
}

type Counts = Record<string, number>;

/** Whole or not at all: what was begun and not finished has another name, and is removed. */
async function writeFile(out: string, write: (counts: Counts) => AsyncGenerator<string>): Promise<Counts> {
  const draft = `${out}.partial`;
  const counts: Counts = {};
  try {
    await pipeline(Readable.from(write(counts)), createGzip(), createWriteStream(draft, { mode: 0o600 }));
    const file = await open(draft);
    await file.sync();
    await file.close();
    await rename(draft, out);
    return counts;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

interface Sealing {
  keys: ReadonlyMap<string, Buffer>;
  passphrase: string | undefined;
}

async function* lines(
  client: pg.Client,
  { id, slug }: TenantEntity,
  sealing: Sealing,
  counts: Counts,
): AsyncGenerator<string> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await client.query(setTenant(id));
  const tables = CARRIED.filter((table) => sealing.passphrase !== undefined || !AUDIT.includes(table));
  const columns: Record<string, string[]> = {};
  for (const table of tables) {
    const left = NOT_CARRIED_COLUMNS[table] ?? {};
    columns[table] = (await columnsOf(client, table)).filter((column) => !(column in left));
  }
  const hash = new LineHash();
  const head = newHeader({
    version: await readVersion(),
    exportedAt: new Date().toISOString(),
    tenant: { id, slug, hostnames: await hostnamesOf(client) },
    months: await monthsOf(client),
    columns,
    auditKeys: await sealedKeys(client, sealing),
  });
  hash.add(head);
  yield `${head}\n`;
  for (const table of tables) {
    counts[table] = 0;
    for await (const batch of rowsOf(client, table, columns[table] ?? [], id)) {
      counts[table] += batch.length;
      for (const line of batch) hash.add(line);
      yield `${batch.join('\n')}\n`;
    }
  }
  yield `${newTrailer({ rows: counts, sha256: hash.digest() })}\n`;
  await client.query('COMMIT');
}

/** In the order of the primary key, by a cursor: all of them in one snapshot, and a thousand in memory. */
async function* rowsOf(
  client: pg.Client,
  table: CarriedTable,
  columns: string[],
  id: string,
): AsyncGenerator<string[]> {
  const key = await primaryKeyOf(client, table);
  const owner = table === 'tenants' ? 'id' : 'tenant_id';
  await client.query(`
    DECLARE carried NO SCROLL CURSOR FOR
    SELECT ${pg.escapeLiteral(rowPrefix(table))} || row_to_json(t)::text || '}' AS line
    FROM (SELECT ${columns.map((column) => pg.escapeIdentifier(column)).join(', ')} FROM ${table}
          WHERE ${owner} = ${pg.escapeLiteral(id)} ORDER BY ${key.join(', ')}) AS t`);
  for (let more = true; more;) {
    const { rows } = await client.query<{ line: string }>(`FETCH ${AT_ONCE} FROM carried`);
    if (rows.length > 0) yield rows.map(({ line }) => line);
    more = rows.length === AT_ONCE;
  }
  await client.query('CLOSE carried');
}

async function primaryKeyOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_index
     CROSS JOIN unnest(indkey::int2[]) WITH ORDINALITY AS key (attnum, place)
     JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = key.attnum
     WHERE indrelid = to_regclass($1) AND indisprimary ORDER BY place`,
    [`public.${table}`],
  );
  return rows.map(({ name }) => name);
}

async function hostnamesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ hostname: string }>('SELECT hostname FROM domains ORDER BY 1');
  return rows.map(({ hostname }) => hostname);
}

async function monthsOf(client: pg.Client): Promise<[string, string] | null> {
  const { rows } = await client.query<{ first: string | null; last: string | null }>(
    `SELECT to_char(min(occurred_at), 'YYYY-MM') AS first, to_char(max(occurred_at), 'YYYY-MM') AS last FROM clicks`,
  );
  const [{ first, last } = { first: null, last: null }] = rows;
  return first !== null && last !== null ? [first, last] : null;
}

/** Those that this trail was made with, and none that it was not. A code begins with its key's id. */
async function sealedKeys(
  client: pg.Client,
  { keys, passphrase }: Sealing,
): Promise<{ salt: string; sealed: string } | null> {
  if (passphrase === undefined) return null;
  const { rows } = await client.query<{ id: string }>(
    `SELECT DISTINCT encode(substring(code FROM 1 FOR 4), 'hex') AS id FROM (
       SELECT mac AS code FROM audit_chain UNION ALL SELECT hash FROM audit_chain
       UNION ALL SELECT signature FROM audit_checkpoints UNION ALL SELECT mac FROM audit_pending
     ) AS codes WHERE code IS NOT NULL`,
  );
  const wanted = rows.map(({ id }) => [id, keys.get(id)?.toString('base64') ?? ''] as const);
  const unknown = wanted.filter(([, key]) => key === '').map(([id]) => id);
  if (unknown.length > 0) {
    throw new CommandError(
      `Nobody has the keys ${unknown.join(', ')} of this audit trail: it could not be checked elsewhere. Leave it out with --no-audit`,
    );
  }
  const salt = randomBytes(16).toString('base64');
  return { salt, sealed: sealKeys(passphrase, salt, Object.fromEntries(wanted)) };
}
