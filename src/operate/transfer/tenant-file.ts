import { createHash, type Hash, scryptSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { Secrets } from '../../platform/secrets/secrets.js';
import { CommandError } from '../output.js';
import { type CarriedTable, isCarried } from './carried-tables.js';

/** To be raised when older versions could not read what is written. */
const FORMAT = 1;
const SEALED_FOR = 'tenant-file';
/** OWASP's parameters for scrypt: 128 MB and half a second a guess. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 };

const counts = z.record(z.string(), z.int().min(0));

const header = z.object({
  waypost: z.object({
    format: z.int(),
    version: z.string(),
    exportedAt: z.iso.datetime(),
    tenant: z.object({ id: z.uuid(), slug: z.string(), hostnames: z.array(z.string()) }),
    /** First and last month of clicks. */
    months: z.tuple([z.string().regex(/^\d{4}-\d{2}$/), z.string().regex(/^\d{4}-\d{2}$/)]).nullable(),
    /** Of each table, in the order in which they come. */
    columns: z.record(z.string(), z.array(z.string())),
    /** The keys that the audit trail's codes were made with, under the passphrase. */
    auditKeys: z.object({ salt: z.string(), sealed: z.string() }).nullable(),
  }),
});
export type Header = z.output<typeof header>['waypost'];

const trailer = z.object({ end: z.object({ rows: counts, sha256: z.string() }) });
export type Trailer = z.output<typeof trailer>['end'];

export const newHeader = (fields: Omit<Header, 'format'>): string =>
  JSON.stringify({ waypost: { format: FORMAT, ...fields } });

export const newTrailer = (end: Trailer): string => JSON.stringify({ end });

/** A row is `{"links":{…}}`, as the database wrote it: no number or time is ever read and written anew here. */
export const rowPrefix = (table: string): string => `{"${table}":`;
const ROW = /^\{"([a-z_]+)":(\{.*\})\}$/s;

export function parseHeader(line: string | undefined): Header {
  const read = header.safeParse(json(line));
  if (!read.success) throw new CommandError('This is no file of a tenant: it does not begin as one');
  if (read.data.waypost.format !== FORMAT) {
    throw new CommandError(
      `This file has format ${read.data.waypost.format}, and this version reads ${FORMAT}: use Waypost ${read.data.waypost.version}`,
    );
  }
  return read.data.waypost;
}

export const parseTrailer = (line: string): Trailer | undefined =>
  line.startsWith('{"end":') ? trailer.safeParse(json(line)).data?.end : undefined;

export function parseRow(line: string): { table: CarriedTable; row: string } {
  const [, table = '', row] = ROW.exec(line) ?? [];
  if (row === undefined || !isCarried(table))
    throw new CommandError(`The file has a line that is no row: ${line.slice(0, 80)}`);
  return { table, row };
}

function json(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    // The caller says what it is not.
    return undefined;
  }
}

/** Over each line and its end. */
export class LineHash {
  private readonly hash: Hash = createHash('sha256');

  add(line: string): void {
    this.hash.update(line).update('\n');
  }

  digest(): string {
    return this.hash.digest('hex');
  }
}

/** The lines of a compressed file, one after the other: no more than a part of it is in memory. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const text = file.pipe(createGunzip());
  // A pipe passes no errors on.
  file.on('error', (error) => text.destroy(error));
  let rest = '';
  try {
    for await (const chunk of text.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    throw new CommandError(
      `${path} can not be read to its end: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (rest !== '') yield rest;
}

const secretsOf = (passphrase: string, salt: string): Secrets =>
  new Secrets(scryptSync(passphrase, Buffer.from(salt, 'base64'), 32, SCRYPT));

export const sealKeys = (passphrase: string, salt: string, keys: Record<string, string>): string =>
  secretsOf(passphrase, salt).seal(SEALED_FOR, JSON.stringify(keys)).toString('base64');

export function openKeys(passphrase: string, { salt, sealed }: { salt: string; sealed: string }): Map<string, Buffer> {
  try {
    const text = secretsOf(passphrase, salt).open(SEALED_FOR, Buffer.from(sealed, 'base64'));
    const keys = z.record(z.string(), z.string()).parse(JSON.parse(text));
    return new Map(Object.entries(keys).map(([id, key]) => [id, Buffer.from(key, 'base64')]));
  } catch (cause) {
    throw new CommandError('The passphrase does not open the keys of the audit trail in this file', { cause });
  }
}
