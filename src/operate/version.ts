import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DONE } from './exit-codes.js';
import { say, sayJson } from './output.js';

export async function versionCommand({ json }: { json?: true }): Promise<number> {
  const version = await readVersion();
  if (json) sayJson({ version, node: process.version });
  else say(version);
  return DONE;
}

export async function readVersion(): Promise<string> {
  const manifest = await readFile(join(import.meta.dirname, '../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
