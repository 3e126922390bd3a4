import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Keys that must outlive a change of SECRET_KEY, sealed under it. They belong to the deployment, and to no tenant. */
export class CreateDeploymentKeys1795477310000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE deployment_keys (
        purpose text NOT NULL,
        key_id text NOT NULL,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT deployment_keys_pkey PRIMARY KEY (purpose, key_id)
      )`);
    await db.query(`ALTER TABLE deployment_keys ENABLE ROW LEVEL SECURITY`);
    await db.query(`ALTER TABLE deployment_keys FORCE ROW LEVEL SECURITY`);
    await db.query(`
      CREATE POLICY operators ON deployment_keys TO waypost_app
      USING (current_setting('app.platform', true) = 'on') WITH CHECK (current_setting('app.platform', true) = 'on')`);
    // The time is the database's: the first key of a purpose stays the first.
    await db.query(`GRANT SELECT, INSERT (purpose, key_id, sealed) ON deployment_keys TO waypost_app`);
    await db.query(`CREATE POLICY reseals ON deployment_keys TO waypost_ingest USING (true) WITH CHECK (true)`);
    await db.query(`GRANT SELECT, UPDATE (sealed) ON deployment_keys TO waypost_ingest`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE deployment_keys`);
  }
}
