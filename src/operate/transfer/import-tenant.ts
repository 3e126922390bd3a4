import pg from 'pg';
import { AuditModule } from '../../audit/audit.module.js';
import { AuditRecorder } from '../../audit/audit.recorder.js';
import { Config } from '../../platform/config/config.js';
import { operatorContext } from '../../platform/context/system-context.js';
import { isCitus } from '../../platform/database/citus.js';
import { Transactions } from '../../platform/database/transactions.js';
import { newId, toPublicId } from '../../platform/ids.js';
import { DeploymentKeys } from '../../platform/secrets/deployment-keys.js';
import { Secrets } from '../../platform/secrets/secrets.js';
import { DONE } from '../exit-codes.js';
import { withServices } from '../operator-app.js';
import { CommandError, say, sayJson } from '../output.js';
import { AUDIT, type CarriedTable, isCarried, NOT_CARRIED_COLUMNS } from './carried-tables.js';
import { passphraseOf, type TransferOptions } from './export-tenant.js';
import { asOwner, columnsOf, setTenant } from './owner-session.js';
import { type Header, LineHash, linesOf, openKeys, parseHeader, parseRow, parseTrailer } from './tenant-file.js';

/** Of one statement. */
const MOST_ROWS = 1_000;
const MOST_CHARACTERS = 1_000_000;
/** What make_click_partitions makes at once. */
const MONTHS_AT_ONCE = 24;

type Counts = Record<string, number>;

/** All rows of a file in one transaction: the tenant is there as a whole, or not at all. */
export async function importTenant(file: string, options: TransferOptions): Promise<number> {
  const lines = linesOf(file);
  const first = (await lines.next()).value as string | undefined;
  const header = parseHeader(first);
  const keys = await keysOf(header, options);
  const rows = await withServices([AuditModule], async (app) => {
    const transactions = app.get(Transactions);
    const counts = await asOwner(app.get(Config).databaseUrls.owner, async (client) => {
      await prepare(client, header);
      const adopt = (): Promise<void> => DeploymentKeys.adoptAuditKeys(transactions, app.get(Secrets), keys);
      return new Import(client, header, options.audit).run(first ?? '', lines, adopt);
    });
    const ctx = { ...operatorContext(), tenantId: header.tenant.id };
    const target = toPublicId('tnt', header.tenant.id);
    const after = { exportedAt: header.exportedAt, version: header.version };
    const recorder = app.get(AuditRecorder, { strict: false });
    await transactions.run(ctx, (tx) => recorder.record(tx, ctx, { action: 'tenant.imported', target, after }));
    return counts;
  });
  const tenant = toPublicId('tnt', header.tenant.id);
  if (options.json) sayJson({ tenant, rows });
  else
    say(
      `Imported ${Object.values(rows).reduce((sum, count) => sum + count, 0)} rows of ${header.tenant.slug} (${tenant})`,
    );
  return DONE;
}

async function keysOf({ auditKeys }: Header, options: TransferOptions): Promise<Map<string, Buffer>> {
  if (auditKeys === null || !options.audit) return new Map();
  return openKeys((await passphraseOf(options)) ?? '', auditKeys);
}

/** What is told at once, and not after an hour; and partitions, whose making would keep ingest waiting for as long. */
async function prepare(client: pg.Client, header: Header): Promise<void> {
  await refuseNewer(client, header);
  await client.query('BEGIN');
  await refuseTaken(client, header);
  await client.query('ROLLBACK');
  if (!header.months) return;
  const [first, last] = header.months.map(monthNumber) as [number, number];
  for (let from = first; from <= last; from += MONTHS_AT_ONCE) {
    const months = Math.min(MONTHS_AT_ONCE, last - from + 1);
    await client.query('SELECT make_click_partitions($1::date, $2)', [
      `${Math.floor(from / 12)}-${String((from % 12) + 1).padStart(2, '0')}-01`,
      months,
    ]);
  }
}

const monthNumber = (month: string): number => Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;

async function refuseNewer(client: pg.Client, { columns, version }: Header): Promise<void> {
  for (const [table, carried] of Object.entries(columns)) {
    const known = isCarried(table) ? new Set(await columnsOf(client, table)) : new Set<string>();
    const unknown = carried.filter((column) => !known.has(column));
    if (unknown.length === 0) continue;
    throw new CommandError(
      `This file was made by Waypost ${version}, and this database does not know ${table} (${unknown.join(', ')}): migrate it first`,
    );
  }
}

/** With these the owner sees who there is. */
const LOOKING = ['app.platform', 'app.loop_check'];

/** Nothing is ever overwritten. */
async function refuseTaken(client: pg.Client, { tenant }: Header): Promise<void> {
  for (const name of LOOKING) await client.query(`SET LOCAL ${name} = 'on'`);
  const { rows: tenants } = await client.query<{ same: boolean }>(
    'SELECT id = $1 AS same FROM tenants WHERE id = $1 OR (slug = $2 AND deleted_at IS NULL) ORDER BY 1 DESC',
    [tenant.id, tenant.slug],
  );
  const { rows: domains } = await client.query<{ hostname: string }>(
    'SELECT hostname FROM domains WHERE hostname = ANY ($1) ORDER BY 1',
    [tenant.hostnames],
  );
  for (const name of LOOKING) await client.query(`SET LOCAL ${name} = ''`);
  const id = toPublicId('tnt', tenant.id);
  if (tenants[0]?.same)
    throw new CommandError(`The tenant ${id} is here already, or was deleted here: nothing was imported`);
  if (tenants[0]) throw new CommandError(`Another tenant here has the slug ${tenant.slug}: nothing was imported`);
  if (domains.length === 0) return;
  const taken = domains.map(({ hostname }) => hostname).join(', ');
  throw new CommandError(`Other tenants here have the hostnames ${taken}: nothing was imported`);
}

class Import {
  private readonly counts: Counts = {};
  private readonly hash = new LineHash();
  private table: CarriedTable | undefined;
  private batch: string[] = [];
  private size = 0;
  private citus = false;

  constructor(
    private readonly client: pg.Client,
    private readonly header: Header,
    private readonly audit: boolean,
  ) {}

  /** @param beforeCommit what must hold once the rows are there */
  async run(first: string, lines: AsyncIterable<string>, beforeCommit: () => Promise<void>): Promise<Counts> {
    await this.client.query('BEGIN');
    await this.client.query(setTenant(this.header.tenant.id));
    this.citus = await isCitus(this.client);
    await refuseTaken(this.client, this.header);
    this.hash.add(first);
    await this.takeAll(lines);
    await this.noteInLedger();
    await beforeCommit();
    await this.client.query('COMMIT');
    return this.counts;
  }

  private async takeAll(lines: AsyncIterable<string>): Promise<void> {
    for await (const line of lines) {
      const end = parseTrailer(line);
      if (end) {
        await this.flush();
        return this.check(end);
      }
      this.hash.add(line);
      await this.take(line);
    }
    throw new CommandError('The file ends before its end: nothing was imported');
  }

  private async take(line: string): Promise<void> {
    const { table, row } = parseRow(line);
    if (table !== this.table || this.batch.length === MOST_ROWS || this.size > MOST_CHARACTERS) await this.flush();
    this.table = table;
    this.counts[table] = (this.counts[table] ?? 0) + 1;
    this.batch.push(row);
    this.size += row.length;
  }

  private async flush(): Promise<void> {
    const { table, batch } = this;
    this.batch = [];
    this.size = 0;
    if (table === undefined || batch.length === 0 || (AUDIT.includes(table) && !this.audit)) return;
    const columns = (this.header.columns[table] ?? []).map((column) => pg.escapeIdentifier(column));
    const given = NOT_CARRIED_COLUMNS[table] ?? {};
    try {
      // Row-level security keeps Citus from inserting rows that could not be in conflict with others: it would copy them.
      const { rowCount } = await this.client.query(
        `INSERT INTO ${table} (${[...columns, ...Object.keys(given)].join(', ')})
         SELECT ${[...columns, ...Object.values(given)].join(', ')} FROM json_populate_recordset(NULL::${table}, $1::json)
         ${this.citus ? 'ON CONFLICT DO NOTHING' : ''}`,
        [`[${batch.join(',')}]`],
      );
      if (rowCount !== batch.length)
        throw new CommandError(`Some rows of ${table} are here already. Nothing was imported`);
    } catch (error) {
      throw error instanceof pg.DatabaseError
        ? new CommandError(`The database refuses rows of ${table}: ${error.message}. Nothing was imported`, {
            cause: error,
          })
        : error;
    }
  }

  private check({ rows, sha256 }: { rows: Counts; sha256: string }): void {
    const tables = new Set([...Object.keys(rows), ...Object.keys(this.counts)]);
    const wrong = [...tables].filter((table) => (rows[table] ?? 0) !== (this.counts[table] ?? 0));
    if (wrong.length > 0 || this.hash.digest() !== sha256) {
      throw new CommandError(
        `The file is not what was exported${wrong.length > 0 ? ` (${wrong.join(', ')})` : ''}: nothing was imported`,
      );
    }
    if (!this.audit) for (const table of AUDIT) delete this.counts[table];
  }

  /** Each click that is stored came in a segment, or reconciliation would take these for another hand's. */
  private async noteInLedger(): Promise<void> {
    const segment = newId();
    const { rows } = await this.client.query<{ day: string; stored: string }>(
      `SELECT day::text, sum(clicks) AS stored FROM (
         SELECT (occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS clicks FROM clicks GROUP BY 1
         UNION ALL SELECT day, clicks FROM erased_clicks
       ) AS days GROUP BY 1 HAVING sum(clicks) > 0`,
    );
    if (rows.length === 0) return;
    await this.client.query(
      'INSERT INTO click_segments (id, clicks, dropped) SELECT $1, sum(stored), 0 FROM unnest($2::int[]) AS stored',
      [segment, rows.map(({ stored }) => stored)],
    );
    await this.client.query(
      `INSERT INTO click_segment_days (segment_id, day, stored) SELECT $1, * FROM unnest($2::date[], $3::int[])`,
      [segment, rows.map(({ day }) => day), rows.map(({ stored }) => stored)],
    );
  }
}
