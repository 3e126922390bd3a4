import type { MigrationInterface, QueryRunner } from 'typeorm';
import { hashPartitions, OWN_TENANT } from './support/tenant-table.js';

const FILLFACTOR = 70; // as leave-room-in-rollups has it for partitions

/**
 * Where tables are to be distributed by tenant (Citus) they have no hash partitions, and a month of clicks is one table: Citus
 * takes one level. What the migrations before did to hash partitions is done here to the tables themselves, and functions
 * ask in a way in which they can be answered by several nodes.
 */
export class SuitCitus1795881000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await this.createHolds(db);
    if ((await hashPartitions(db)) > 0) return;
    for (const table of ['breakdown_rollups', 'click_days']) {
      await db.query(`ALTER TABLE ${table} SET (fillfactor = ${FILLFACTOR})`);
    }
    await this.keepMonthsWhole(db);
    // A setting made by a function call stays on the coordinator.
    for (const name of ['is_short_domain', 'is_served_domain', 'find_link_anywhere', 'tenants_of_token']) {
      await rewrite(db, name, setLocal);
    }
    await rewrite(db, 'tenants_of_token', (definition) => definition.replace(MEMBERS_BESIDE, MEMBERS_APART));
    await this.holdByNumber(db);
    await this.openLinksByCommand(db);
    // Row-level security keeps Citus from inserting rows that could not be in conflict with others: it would copy them.
    await rewrite(db, 'create_link', (definition) =>
      definition.replace('unnest(tag_names);', 'unnest(tag_names) ON CONFLICT DO NOTHING;'),
    );
  }

  /** On Citus there is no version to go back to. */
  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP FUNCTION hold_tenant');
    await db.query('DROP FUNCTION hold_domain');
  }

  /**
   * `hold_domain` keeps links from being put on a domain until the transaction ends, as domain_for_link keeps it from being
   * changed; `hold_tenant` has those who count what a tenant has, and then create more, do so one at a time.
   */
  private async createHolds(db: QueryRunner): Promise<void> {
    await createHold(
      db,
      HOLD_DOMAIN,
      'PERFORM FROM public.domains d WHERE d.tenant_id = tenant AND d.id = domain FOR UPDATE',
    );
    await createHold(db, HOLD_TENANT, 'PERFORM FROM public.tenants t WHERE t.id = tenant FOR NO KEY UPDATE');
    for (const name of ['hold_domain', 'hold_tenant']) {
      await db.query(`REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC`);
      await db.query(`GRANT EXECUTE ON FUNCTION ${name} TO waypost_app`);
    }
  }

  /**
   * A lock on a row that all nodes have is taken on all nodes, and keeps the whole table: too much for each new link, and two
   * of them may wait for each other. So a number is locked, on the coordinator.
   */
  private async holdByNumber(db: QueryRunner): Promise<void> {
    await createHold(db, HOLD_DOMAIN, `PERFORM pg_advisory_xact_lock(${numberOf('domain')})`);
    await createHold(db, HOLD_TENANT, `PERFORM pg_advisory_xact_lock(${numberOf('tenant')})`);
    await rewrite(db, 'domain_for_link', (definition) =>
      definition.replaceAll('FOR KEY SHARE', '').replace(
        /(END IF;)(\s+END)/,
        `$1
        IF id IS NOT NULL THEN
          PERFORM pg_advisory_xact_lock_shared(${numberOf('domain_for_link.id')});
          -- As whoever held it has left it.
          SELECT d.id, d.hostname, d.case_sensitive, d.code_length INTO id, hostname, case_sensitive, code_length
          FROM public.domains d WHERE d.tenant_id = tenant AND d.id = domain_for_link.id;
        END IF;$2`,
      ),
    );
  }

  /** Citus makes restrictive policies on shards as if they were permissive: what add-takedowns forbids is left out here. */
  private async openLinksByCommand(db: QueryRunner): Promise<void> {
    for (const name of ['own_tenant', 'takedown_updates', 'takedown_deletes'])
      await db.query(`DROP POLICY ${name} ON links`);
    const open = `${OWN_TENANT} AND (takedown IS NULL OR current_setting('app.platform', true) = 'on')`;
    for (const policy of [
      `own_tenant ON links FOR SELECT USING (${OWN_TENANT})`,
      `own_tenant_inserts ON links FOR INSERT WITH CHECK (${OWN_TENANT})`,
      `own_tenant_updates ON links FOR UPDATE TO waypost_app USING (${open}) WITH CHECK (${open})`,
      `own_tenant_deletes ON links FOR DELETE TO waypost_app USING (${open})`,
      `own_tenant_carried ON links TO waypost_owner USING (${OWN_TENANT}) WITH CHECK (${OWN_TENANT})`,
    ]) {
      await db.query(`CREATE POLICY ${policy}`);
    }
  }

  private async keepMonthsWhole(db: QueryRunner): Promise<void> {
    await rewrite(db, 'make_click_partitions', (definition) => definition.replace('PARTITION BY HASH (tenant_id)', ''));
    // Those of create-clicks have no place for a row.
    const months = (await db.query(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'clicks'::regclass ORDER BY 1`,
    )) as Array<{ name: string }>;
    for (const { name } of months) await db.query(`DROP TABLE ${name}`);
    await db.query(`SELECT make_click_partitions(to_date(right($1, 7), 'YYYY_MM'), $2)`, [
      months[0]?.name,
      months.length,
    ]);
  }
}

const HOLD_DOMAIN = 'hold_domain(tenant uuid, domain uuid)';
const HOLD_TENANT = 'hold_tenant(tenant uuid)';

const numberOf = (id: string): string => `hashtextextended(${id}::text, 0)`;

const createHold = (db: QueryRunner, signature: string, hold: string): Promise<unknown> =>
  db.query(`
    CREATE OR REPLACE FUNCTION ${signature} RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      ${hold};
    END $$`);

const setLocal = (definition: string): string =>
  definition.replace(/PERFORM ((?:set_config\([^)]*\)[, ]*)+);/g, (_, settings: string) =>
    [...settings.matchAll(/'([\w.]+)', '(\w*)'/g)]
      .map(([, setting, value]) => `SET LOCAL ${setting} = '${value}';`)
      .join(' '),
  );

const MEMBERS_BESIDE = /WITH registered AS \([\s\S]*?\n +\)\n/;
// Who is registered is known to each node, who is a member to one.
const MEMBERS_APART = `WITH found AS MATERIALIZED (
          SELECT p.tenant_id, p.id
          FROM identity_providers p
          JOIN tenants t ON t.id = p.tenant_id
          WHERE p.issuer = token_issuer AND p.audience = ANY (token_audiences) AND t.deleted_at IS NULL
            AND (chosen_id IS NULL OR t.id = chosen_id) AND (chosen_slug IS NULL OR t.slug = chosen_slug)
        ), counted AS MATERIALIZED (
          SELECT f.tenant_id, f.id FROM found f
          JOIN members m ON m.tenant_id = f.tenant_id AND m.provider_id = f.id AND m.subject = token_subject
            AND m.status <> 'deactivated'
        ), registered AS (
          SELECT DISTINCT ON (f.tenant_id) f.tenant_id, f.id, c.id IS NOT NULL AS member
          FROM found f LEFT JOIN counted c ON c.tenant_id = f.tenant_id AND c.id = f.id
          ORDER BY f.tenant_id, c.id IS NULL, f.id
        )
`;

/** Changes a function as it stands. @throws when there is nothing to change: then it is not what this was written for */
async function rewrite(db: QueryRunner, name: string, change: (definition: string) => string): Promise<void> {
  const [row] = (await db.query(`SELECT pg_get_functiondef($1::regproc) AS definition`, [name])) as [
    { definition: string },
  ];
  const changed = change(row.definition);
  if (changed === row.definition) throw new Error(`${name} is another function`);
  await db.query(changed);
}
