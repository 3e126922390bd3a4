import { AuditEventEntity } from '../audit/audit-event.entity.js';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { deadLetterId, toDeadLetterResponse, toOpenedLetterResponse } from '../dead-letters/dead-letter.schemas.js';
import { DeadLettersRepository } from '../dead-letters/dead-letters.repository.js';
import { DeadLettersService } from '../dead-letters/dead-letters.service.js';
import { settingsFromEnvironment } from '../platform/config/environment.js';
import { operatorContext } from '../platform/context/system-context.js';
import { connect } from '../platform/database/connect.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors } from '../platform/http/pagination.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { createLogger } from '../platform/telemetry/logger.js';
import { operatorConfig } from '../roles/embedded/operator-config.js';
import { DONE } from './exit-codes.js';
import { CommandError, say, sayJson } from './output.js';

export const DEAD_LETTERS_USAGE = 'Use: npm run dead-letters -- list | show <id> | redrive <id> | redrive --all';

const PAGE = 100;

/** Those that wait: a line each. */
export async function listDeadLetters({ json }: { json?: true }): Promise<number> {
  await withLetters((letters) => list(letters, json === true));
  return DONE;
}

export async function showDeadLetter(id: string): Promise<number> {
  await withLetters(async (letters) =>
    sayJson(toOpenedLetterResponse(await letters.get(operatorContext(), uuidOf(id)))),
  );
  return DONE;
}

/** Has the worker try one again, or all. */
export async function redriveDeadLetters(
  id: string | undefined,
  options: { all?: true; json?: true },
): Promise<number> {
  if ((id === undefined) === (options.all === undefined)) throw new CommandError(DEAD_LETTERS_USAGE);
  await withLetters(async (letters) => {
    if (id === undefined) return redriveAll(letters, options.json === true);
    sayJson(toDeadLetterResponse(await letters.redrive(operatorContext(), uuidOf(id))));
  });
  return DONE;
}

async function withLetters(work: (letters: DeadLettersService) => Promise<void>): Promise<void> {
  const settings = settingsFromEnvironment('run');
  const { databaseUrls, secretKey, previousSecretKeys } = await operatorConfig(settings);
  const options = {
    url: databaseUrls.app,
    applicationName: 'waypost-dead-letters',
    poolSize: 1,
    entities: [AuditEventEntity],
  };
  // What it prints is for people and programs; what it did is for the log.
  const logger = createLogger('info', false, 2);
  const transactions = new Transactions(await connect(options, logger));
  const secrets = new Secrets(secretKey, previousSecretKeys);
  try {
    const audit = new AuditRecorder(new AuditRepository(), secrets);
    const repository = new DeadLettersRepository();
    const cursors = new Cursors(secrets);
    await work(new DeadLettersService(transactions, repository, cursors, secrets, audit, logger));
  } finally {
    await transactions.onApplicationShutdown();
  }
}

async function list(letters: DeadLettersService, json: boolean): Promise<void> {
  const ctx = operatorContext();
  const found: object[] = [];
  let cursor: string | undefined;
  do {
    const page = await letters.list(ctx, { limit: PAGE, cursor, waiting: true });
    for (const letter of page.data.map(toDeadLetterResponse)) {
      const { id, kind, tenantId, failedAt, error } = letter;
      if (json) found.push(letter);
      else say([id, failedAt, kind, tenantId ?? '-', error].join('  '));
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  if (json) sayJson({ data: found });
}

async function redriveAll(letters: DeadLettersService, json: boolean): Promise<void> {
  let requested = 0;
  for (let more = true; more;) {
    const answered = await letters.redriveAll(operatorContext());
    requested += answered.requested;
    ({ more } = answered);
  }
  if (json) sayJson({ requested });
  else say(`The worker tries ${requested} again`);
}

function uuidOf(id: string): string {
  const read = deadLetterId.safeParse(id);
  if (!read.success) throw new CommandError(`${id} is no id of a dead letter, such as dead_01h455vb4pex5vsknk084sn02q`);
  return read.data;
}
