import type { QueryRunner } from 'typeorm';

/** The only rows a session may touch: those of the tenant it has set. Unset means no rows. */
export const OWN_TENANT = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`;

interface TenantTable {
  /** Column definitions without `tenant_id`, one per line. */
  columns: string;
  /** Primary key columns after `tenant_id`. */
  primaryKey: string;
  /** Table constraints (foreign keys, checks), each with a name. */
  constraints?: string[];
}

interface TenantIndex {
  columns: string;
  unique?: boolean;
  using?: 'btree' | 'gin';
  where?: string;
}

/**
 * How many hash partitions every tenant table has: set at the first migration, read from the catalog ever after. None on
 * Citus, where tables are distributed by tenant instead, when all migrations are done.
 */
export async function hashPartitions(db: QueryRunner): Promise<number> {
  const [row] = (await db.query(
    `SELECT coalesce(
       (SELECT nullif(count(*), 0) FROM pg_inherits WHERE inhparent = to_regclass('public.links')),
       nullif(current_setting('waypost.hash_partitions', true), '')::int,
       16)::int AS partitions`,
  )) as [{ partitions: number }];
  return row.partitions;
}

const partitionSuffix = (index: number): string => `p${String(index).padStart(2, '0')}`;

/** Creates a table that is hash-partitioned by tenant, with row-level security forced on it and on each partition. */
export async function createTenantTable(db: QueryRunner, table: string, definition: TenantTable): Promise<void> {
  const lines = [
    'tenant_id uuid NOT NULL',
    definition.columns.trim().replace(/,$/, ''),
    `CONSTRAINT ${table}_pkey PRIMARY KEY (tenant_id, ${definition.primaryKey})`,
    ...(definition.constraints ?? []),
  ];
  const partitions = await hashPartitions(db);
  const by = partitions > 0 ? 'PARTITION BY HASH (tenant_id)' : '';
  await db.query(`CREATE TABLE ${table} (\n  ${lines.join(',\n  ')}\n) ${by}`);
  await isolateByTenant(db, table);
  for (let index = 0; index < partitions; index++) {
    const partition = `${table}_${partitionSuffix(index)}`;
    await db.query(
      `CREATE TABLE ${partition} PARTITION OF ${table} FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${index})`,
    );
    await isolateByTenant(db, partition);
  }
}

/** Row-level security: the policy of a table is not the policy of its partitions, so each gets its own. */
export async function isolateByTenant(db: QueryRunner, table: string): Promise<void> {
  await db.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`);
  await db.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
  await db.query(`CREATE POLICY own_tenant ON ${table} USING (${OWN_TENANT}) WITH CHECK (${OWN_TENANT})`);
}

/**
 * Indexes a tenant table. The index of each partition is named after the partition (`links_p03_domain_key` for
 * `links_domain_key`), so that a unique violation, which names the partition's index, can be told by name.
 */
export async function createTenantIndex(
  db: QueryRunner,
  table: string,
  suffix: string,
  index: TenantIndex,
): Promise<void> {
  const create = `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX`;
  const body = `USING ${index.using ?? 'btree'} (${index.columns})${index.where ? ` WHERE ${index.where}` : ''}`;
  const partitions = await hashPartitions(db);
  await db.query(`${create} ${table}_${suffix} ON ${partitions > 0 ? 'ONLY ' : ''}${table} ${body}`);
  for (let n = 0; n < partitions; n++) {
    const partition = `${table}_${partitionSuffix(n)}`;
    await db.query(`${create} ${partition}_${suffix} ON ${partition} ${body}`);
    await db.query(`ALTER INDEX ${table}_${suffix} ATTACH PARTITION ${partition}_${suffix}`);
  }
}
