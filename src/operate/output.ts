import { ConfigError } from '../platform/config/config.js';
import { DomainError } from '../platform/http/domain-error.js';

/** The command can not be carried out as things stand: told in words for whoever typed it. */
export class CommandError extends Error {}

/** Nor as it was typed. */
export class UsageError extends CommandError {}

export const say = (line: string): void => void process.stdout.write(`${line}\n`);
export const sayJson = (value: unknown): void => say(JSON.stringify(value, null, 2));

/** To the error output: standard output is the command's answer. */
export const complain = (line: string): void => void process.stderr.write(`${line}\n`);

/** What the operator can mend is said plainly. */
export function plainly(error: unknown): string {
  if (error instanceof DomainError) return error.detail;
  return error instanceof ConfigError || error instanceof CommandError ? error.message : String(error);
}

/** Columns as wide as what is in them. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, n) => Math.max(title.length, ...rows.map((row) => row[n]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, n) => cell.padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
