import type { MigrationInterface, QueryRunner } from 'typeorm';

const EVERYTHING_SO_FAR = [
  'links:read', 'links:write', 'domains:read', 'domains:write', 'analytics:read', 'audit:read', 'api-keys:read',
  'api-keys:write', 'members:read', 'members:write', 'identity-providers:read', 'identity-providers:write',
  'tenant:read', 'tenant:write',
]; // prettier-ignore
const NEW = ['scim:read', 'scim:write'];

const list = (scopes: string[]): string => `ARRAY[${scopes.map((scope) => `'${scope}'`).join(', ')}]`;

/** As widen-owner-keys: a key that may do everything may also do what is new, or else nobody could ever give it. */
export class WidenOwnerKeysToScim1795880020000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await asOwnerOfAll(
      db,
      `UPDATE api_keys SET scopes = scopes || ${list(NEW)} WHERE scopes @> ${list(EVERYTHING_SO_FAR)} AND NOT scopes && ${list(NEW)}`,
    );
  }

  async down(db: QueryRunner): Promise<void> {
    await asOwnerOfAll(
      db,
      `UPDATE api_keys SET scopes = ARRAY(SELECT unnest(scopes) EXCEPT SELECT unnest(${list(NEW)})) WHERE scopes && ${list(NEW)}`,
    );
  }
}

/** The owner is no exception to row-level security, except here. */
async function asOwnerOfAll(db: QueryRunner, update: string): Promise<void> {
  await db.query(`ALTER TABLE api_keys NO FORCE ROW LEVEL SECURITY`);
  await db.query(update);
  await db.query(`ALTER TABLE api_keys FORCE ROW LEVEL SECURITY`);
}
