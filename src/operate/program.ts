import { Command, CommanderError } from 'commander';
import { DONE, FAILED, MISUSED } from './exit-codes.js';
import { CommandError, complain, plainly, UsageError } from './output.js';

const JSON_OPTION = ['--json', 'print the answer as JSON, for programs'] as const;
const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 not used as it is meant to be, 3 something is not as it should be.
Where a command has others, its own help says so.`;

/** Runs the command that these words are. @returns the exit code */
export async function runCommand(words: string[]): Promise<number> {
  const outcome = { code: DONE };
  try {
    await program(outcome).parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong. That help was asked for, or shown for want of a command, are "errors" too.
    return error.exitCode === 0 ? DONE : MISUSED;
  }
  return outcome.code;
}

type Work<Args extends unknown[]> = (...args: Args) => Promise<number>;

function program(outcome: { code: number }): Command {
  const does: Does =
    (load, failed = FAILED) =>
    async (...args) => {
      try {
        const work = await load();
        outcome.code = await work(...args);
      } catch (error) {
        complain(plainly(error));
        outcome.code = error instanceof UsageError ? MISUSED : failed;
      }
    };

  const waypost = new Command('waypost')
    .description(
      'Commands for those who run Waypost. They are told what they need by the environment, as its processes are.',
    )
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_CODES);

  waypost
    .command('migrate')
    .description(
      'create the database roles, the tables and the queue’s schema, or bring them up to date; safe to repeat',
    )
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./migrate.js')).migrateCommand));
  waypost
    .command('doctor')
    .description('look at the whole set-up, and say what to mend; changes nothing')
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExit codes: 0 nothing found, 1 failed, 3 something is to be mended.')
    .action(does(async () => (await import('./doctor/doctor.js')).doctorCommand));
  addReconcile(waypost, does);
  addDeadLetters(waypost, does);
  addPartitions(waypost, does);
  waypost
    .command('rotate-keys')
    .description('seal under SECRET_KEY what is sealed under a key of SECRET_KEY_PREVIOUS')
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExit codes: 0 done, 1 something is sealed that nobody here can open, 2 failed.')
    .action(does(async () => (await import('./rotate-keys.js')).rotateKeysCommand, 2));
  addTenants(waypost, does);
  waypost
    .command('version')
    .description('print the version')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./version.js')).versionCommand));
  return waypost;
}

/**
 * @param load read when the command runs: to ask for help, or for a version, needs no database library
 * @param failed what the command ends with when it could not do its work
 */
type Does = <Args extends unknown[]>(
  load: () => Promise<Work<Args>>,
  failed?: number,
) => (...args: Args) => Promise<void>;

function addReconcile(waypost: Command, does: Does): void {
  waypost
    .command('reconcile')
    .description('check that each click that was accepted is stored, dropped, dead or in flight')
    .option('--days <n>', 'how far to look back, 1 to 13', '7')
    .option('--spool <folder>', 'a spool besides that of DATA_DIR; may be repeated', gathered, [])
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExit codes: 0 all adds up, 1 something does not, 2 it could not be found out.')
    .action(does(async () => (await import('./reconcile.js')).reconcileCommand, 2));
}

const gathered = (value: string, before: string[]): string[] => [...before, value];

function addDeadLetters(waypost: Command, does: Does): void {
  const letters = waypost
    .command('dead-letters')
    .description('clicks that could not be stored')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, or not used as it is meant to be.')
    .allowExcessArguments()
    // What is no command of it comes here.
    .action(
      does(async () => {
        const { DEAD_LETTERS_USAGE } = await import('./dead-letters.js');
        throw new CommandError(DEAD_LETTERS_USAGE);
      }),
    );
  letters
    .command('list')
    .description('those that wait, newest first')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./dead-letters.js')).listDeadLetters));
  letters
    .command('show')
    .description('one of them, with the click that is in it')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./dead-letters.js')).showDeadLetter));
  letters
    .command('redrive')
    .description('have the worker try one again, or all')
    .argument('[id]')
    .option('--all', 'all that wait')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./dead-letters.js')).redriveDeadLetters));
}

function addPartitions(waypost: Command, does: Does): void {
  const partitions = waypost.command('partitions').description('months of clicks');
  partitions
    .command('list')
    .description('the months there are, how many clicks they have, and which are past retention')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./partitions.js')).listPartitions));
  partitions
    .command('make')
    .description('make this month and the coming ones, where they are missing; upkeep does so every six hours')
    .option('--months <n>', 'how many coming ones, 0 to 23', '3')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./partitions.js')).makePartitions));
  partitions
    .command('drop')
    .description(
      'drop the months all of whose clicks are older than CLICK_RETENTION_DAYS; upkeep does so every six hours',
    )
    .option('--dry-run', 'say which, and drop none')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./partitions.js')).dropPartitions));
}

function addTenants(waypost: Command, does: Does): void {
  const tenants = waypost.command('tenants').description('the organizations on this deployment');
  const oneOf = 'its id (tnt_…) or its slug';
  tenants
    .command('list')
    .description('all of them')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./tenants.js')).listTenants));
  tenants
    .command('show')
    .description('one of them')
    .argument('<tenant>', oneOf)
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./tenants.js')).showTenant));
  tenants
    .command('create')
    .description('a new one; prints its first owner’s API key, which is shown this once')
    .requiredOption('--name <name>', 'what people call it')
    .requiredOption('--slug <slug>', 'lower-case letters, digits and inner hyphens')
    .option('--plan <plan>', 'what its plan is called')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./tenants.js')).newTenant));
  tenants
    .command('suspend')
    .description('have its API answer 403, and its links stop')
    .argument('<tenant>', oneOf)
    .option('--redirects', 'let its links go on')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./tenants.js')).suspendTenant));
  tenants
    .command('resume')
    .description('end its suspension')
    .argument('<tenant>', oneOf)
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./tenants.js')).resumeTenant));
  tenants
    .command('delete')
    .description('delete it with all it has')
    .argument('<tenant>', oneOf)
    .requiredOption('--confirm <slug>', 'its slug, once more')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./tenants.js')).deleteTenant));
  addTransfer(tenants, does, oneOf);
}

function addTransfer(tenants: Command, does: Does, oneOf: string): void {
  const passphrase = 'what the keys of the audit trail are sealed under, in a file';
  tenants
    .command('export')
    .description('all rows of a tenant, as of one moment, into a file that another deployment can import')
    .argument('<tenant>', oneOf)
    .requiredOption('--out <file>', 'compressed lines of JSON; it must not be there')
    .option('--passphrase-file <file>', passphrase)
    .option('--no-audit', 'leave the audit trail and its keys out')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./transfer/export-tenant.js')).exportTenant));
  tenants
    .command('import')
    .description('a tenant from such a file: as a whole, or not at all')
    .argument('<file>')
    .option('--passphrase-file <file>', passphrase)
    .option('--no-audit', 'leave the audit trail and its keys out')
    .option(...JSON_OPTION)
    .action(does(async () => (await import('./transfer/import-tenant.js')).importTenant));
}
