import { ConfigError } from '../config/config.js';
import { operatorContext } from '../context/system-context.js';
import type { Tx } from '../context/context.js';
import type { Transactions } from '../database/transactions.js';
import { NamedMacs, type Secrets } from './secrets.js';

/** Secrets seal the keys that are kept for this purpose. */
export const DEPLOYMENT_KEYS_KEY = 'deployment-keys';

/** All codes of one deployment are made with one key: another would give numbers that are taken. */
const CODES = 'short-code';
/** A trail is checked years later: each key that ever was in force is kept. */
const AUDIT = 'audit';

interface KeptKey {
  purpose: string;
  keyId: string;
  sealed: Buffer;
}

/**
 * Keys that outlive a change of SECRET_KEY. They derive from the one that was in force when they were first needed, and
 * are kept in the database, sealed under the present one.
 */
export class DeploymentKeys {
  private constructor(
    private readonly kept: ReadonlyMap<string, ReadonlyMap<string, Buffer>>,
    private readonly secrets: Secrets,
  ) {}

  /** Makes those that are not there yet. @throws ConfigError when SECRET_KEY is not the one that this database knows */
  static async load(transactions: Transactions, secrets: Secrets): Promise<DeploymentKeys> {
    const rows = await transactions.run(operatorContext(), async (tx) => {
      const before = await read(tx);
      // First: who can not open what is kept must not leave a key of their own beside it.
      for (const { sealed } of before) opened(secrets, sealed);
      const known = before.some(({ purpose }) => purpose === CODES);
      if (!known && secrets.hasPrevious) {
        throw new ConfigError('SECRET_KEY_PREVIOUS: start once without it, for this database has kept no keys yet');
      }
      if (!known) await keep(tx, CODES, secrets);
      if (before.every(({ purpose, keyId }) => purpose !== AUDIT || keyId !== secrets.keyId)) {
        await keep(tx, AUDIT, secrets);
      }
      return read(tx);
    });
    const kept = new Map<string, Map<string, Buffer>>();
    for (const { purpose, keyId, sealed } of rows) {
      const keys = kept.get(purpose) ?? new Map<string, Buffer>();
      kept.set(purpose, keys.set(keyId, opened(secrets, sealed)));
    }
    return new DeploymentKeys(kept, secrets);
  }

  /** The key of short codes: the first that this deployment ever had. */
  get codes(): Buffer {
    const [first] = this.kept.get(CODES)?.values() ?? [];
    if (!first) throw new Error('There is no key for short codes');
    return first;
  }

  /** By id: whoever takes a trail elsewhere takes those that it was made with. */
  get auditKeys(): ReadonlyMap<string, Buffer> {
    return this.kept.get(AUDIT) ?? new Map<string, Buffer>();
  }

  /** Keys of another deployment, of which a trail has come: from now on they are accepted as its own old ones are. */
  static async adoptAuditKeys(
    transactions: Transactions,
    secrets: Secrets,
    keys: ReadonlyMap<string, Buffer>,
  ): Promise<void> {
    await transactions.run(operatorContext(), async (tx) => {
      for (const [keyId, key] of keys) {
        const known = (await read(tx)).find((one) => one.purpose === AUDIT && one.keyId === keyId);
        if (known && !opened(secrets, known.sealed).equals(key)) {
          throw new ConfigError(`Another key of audit trails is known as ${keyId} here: this one can not be taken`);
        }
        if (!known) await insert(tx, AUDIT, keyId, secrets.seal(DEPLOYMENT_KEYS_KEY, key.toString('base64')));
      }
    });
  }

  get audit(): NamedMacs {
    return new NamedMacs(this.auditKeys, this.secrets.keyId);
  }
}

async function read(tx: Tx): Promise<KeptKey[]> {
  return tx.manager.query(`SELECT purpose, key_id AS "keyId", sealed FROM deployment_keys ORDER BY created_at, key_id`);
}

/** Another process may keep the same one at the same time. */
async function keep(tx: Tx, purpose: string, secrets: Secrets): Promise<void> {
  const sealed = secrets.seal(DEPLOYMENT_KEYS_KEY, secrets.key(purpose).toString('base64'));
  await insert(tx, purpose, secrets.keyId, sealed);
}

async function insert(tx: Tx, purpose: string, keyId: string, sealed: Buffer): Promise<void> {
  await tx.manager.query(
    `INSERT INTO deployment_keys (purpose, key_id, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [purpose, keyId, sealed],
  );
}

function opened(secrets: Secrets, sealed: Buffer): Buffer {
  try {
    return Buffer.from(secrets.open(DEPLOYMENT_KEYS_KEY, sealed), 'base64');
  } catch (cause) {
    throw new ConfigError(
      'SECRET_KEY: is not the one this database was used with. Set that one again, or name it in SECRET_KEY_PREVIOUS',
      { cause },
    );
  }
}
