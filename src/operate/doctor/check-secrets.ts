import type pg from 'pg';
import type { Config } from '../../platform/config/config.js';
import { DEPLOYMENT_KEYS_KEY } from '../../platform/secrets/deployment-keys.js';
import { Secrets } from '../../platform/secrets/secrets.js';
import { type Finding, finding } from './finding.js';
import { rows } from './sessions.js';

/** Whether SECRET_KEY is the one that this database is used with. @param client of waypost_ingest */
export async function checkSecrets(client: pg.Client, config: Config): Promise<Finding[]> {
  const secrets = new Secrets(config.secretKey, config.previousSecretKeys);
  const kept = await rows<{ sealed: Buffer }>(client, 'SELECT sealed FROM deployment_keys');
  if (kept.some(({ sealed }) => !opens(secrets, sealed))) {
    return [
      finding(
        'secret_key_other',
        'SECRET_KEY is not the one this database was used with: no process starts with it',
        'Set that one again, or name it in SECRET_KEY_PREVIOUS',
      ),
    ];
  }
  const [old] = await rows<{ things: number }>(
    client,
    `SELECT (SELECT count(*) FROM deployment_keys WHERE substring(sealed FROM 1 FOR 5) <> $1)::int
          + (SELECT count(*) FROM dead_clicks WHERE substring(sealed FROM 1 FOR 5) <> $1 AND kind = 'click')::int AS things`,
    [secrets.header],
  );
  return [
    ...(config.previousSecretKeys.some((key) => key.equals(config.secretKey))
      ? [finding('secret_key_repeated', 'SECRET_KEY stands in SECRET_KEY_PREVIOUS, too', 'Leave it out there')]
      : []),
    ...(old && old.things > 0
      ? [
          finding(
            'secret_key_previous_in_use',
            `${old.things} things are sealed under a key before SECRET_KEY`,
            'Run waypost rotate-keys before you leave SECRET_KEY_PREVIOUS out',
          ),
        ]
      : []),
  ];
}

function opens(secrets: Secrets, sealed: Buffer): boolean {
  try {
    secrets.open(DEPLOYMENT_KEYS_KEY, sealed);
    return true;
  } catch {
    // What it says of the reason is that there is none it can tell.
    return false;
  }
}
