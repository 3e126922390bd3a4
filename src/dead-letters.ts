import { parseArgs } from 'node:util';
import { deadLetterId, toDeadLetterResponse, toOpenedLetterResponse } from './dead-letters/dead-letter.schemas.js';
import { DeadLettersRepository } from './dead-letters/dead-letters.repository.js';
import { DeadLettersService } from './dead-letters/dead-letters.service.js';
import { ConfigError } from './platform/config/config.js';
import { settingsFromEnvironment } from './platform/config/environment.js';
import { operatorContext } from './platform/context/system-context.js';
import { connect } from './platform/database/connect.js';
import { Transactions } from './platform/database/transactions.js';
import { DomainError } from './platform/http/domain-error.js';
import { Cursors } from './platform/http/pagination.js';
import { Secrets } from './platform/secrets/secrets.js';
import { createLogger } from './platform/telemetry/logger.js';
import { operatorConfig } from './roles/embedded/operator-config.js';

const USAGE = 'Use: npm run dead-letters -- list | show <id> | redrive <id> | redrive --all';
const PAGE = 100;

/** `npm run dead-letters`: lists them, shows one, has the worker try them again. */
try {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { all: { type: 'boolean' } } });
  await withLetters((letters) => answer(letters, positionals, values.all === true));
} catch (error) {
  const plain = error instanceof ConfigError ? error.message : error instanceof DomainError ? error.detail : undefined;
  process.stderr.write(`${plain ?? String(error)}\n`);
  process.exitCode = 1;
}

async function withLetters(work: (letters: DeadLettersService) => Promise<void>): Promise<void> {
  const settings = settingsFromEnvironment('run');
  const { databaseUrls, secretKey } = await operatorConfig(settings);
  const options = { url: databaseUrls.app, applicationName: 'waypost-dead-letters', poolSize: 1, entities: [] };
  const transactions = new Transactions(await connect(options, createLogger('warn', false)));
  const secrets = new Secrets(secretKey);
  try {
    await work(new DeadLettersService(transactions, new DeadLettersRepository(), new Cursors(secrets), secrets));
  } finally {
    await transactions.onApplicationShutdown();
  }
}

async function answer(letters: DeadLettersService, [verb, id]: string[], all: boolean): Promise<void> {
  const ctx = operatorContext();
  if (verb === 'list') return list(letters);
  if (verb === 'show' && id) return print(toOpenedLetterResponse(await letters.get(ctx, uuidOf(id))));
  if (verb === 'redrive' && all) return redriveAll(letters);
  if (verb === 'redrive' && id) return print(toDeadLetterResponse(await letters.redrive(ctx, uuidOf(id))));
  throw new ConfigError(USAGE);
}

/** A line each, those that wait alone. */
async function list(letters: DeadLettersService): Promise<void> {
  const ctx = operatorContext();
  let cursor: string | undefined;
  do {
    const page = await letters.list(ctx, { limit: PAGE, cursor, waiting: true });
    for (const letter of page.data) {
      const { id, kind, tenantId, failedAt, error } = toDeadLetterResponse(letter);
      process.stdout.write(`${[id, failedAt, kind, tenantId ?? '-', error].join('  ')}\n`);
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
}

async function redriveAll(letters: DeadLettersService): Promise<void> {
  let sum = 0;
  for (let more = true; more;) {
    const answered = await letters.redriveAll(operatorContext());
    sum += answered.requested;
    ({ more } = answered);
  }
  process.stdout.write(`The worker tries ${sum} again\n`);
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

function uuidOf(id: string): string {
  const read = deadLetterId.safeParse(id);
  if (!read.success) throw new ConfigError(`${id} is no id of a dead letter, such as dead_01h455vb4pex5vsknk084sn02q`);
  return read.data;
}
