import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const results = new URL('./results/', import.meta.url);

/** Text to the left, figures to the right. */
export function printTable(columns, lines) {
  const all = [columns, ...lines.map((line) => line.map(String))];
  const widths = columns.map((_, at) => Math.max(...all.map((line) => line[at].length)));
  const isText = columns.map((_, at) => lines.some((line) => !/^[\d.,]*$/.test(line[at])));
  const format = (line) =>
    line.map((cell, at) => (isText[at] ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ');
  console.log(`\n${all.map((line) => format(line).trimEnd()).join('\n')}`);
}

/** What was measured, with what it was measured on. */
export async function keep(name, measured) {
  const at = new Date().toISOString();
  const file = new URL(`${name}-${at.replaceAll(':', '-')}.json`, results);
  await mkdir(results, { recursive: true });
  const setting = { at, node: process.version, cores: availableParallelism() };
  await writeFile(file, `${JSON.stringify({ ...setting, ...measured }, null, 2)}\n`);
  console.log(`\nWritten to ${fileURLToPath(file)}`);
}

/** The middle one by `figure`. */
export const medianBy = (rounds, figure) => [...rounds].sort((a, b) => a[figure] - b[figure])[rounds.length >> 1];

export function mustAll(status, { requests, statuses }) {
  if (statuses[status] !== requests) throw new Error(`Not every answer was ${status}: ${JSON.stringify(statuses)}`);
}

/** Of links asked for at full speed: a redirect process that is behind with its look-ups refuses some, with 503. */
const REFUSED_AT_MOST = 0.001;

export const refusedOf = ({ statuses }) => statuses[503] ?? 0;

export function mustNearlyAll({ requests, statuses }) {
  const refused = refusedOf({ statuses });
  const expected = refused <= REFUSED_AT_MOST * requests ? refused : 0;
  mustAll(302, { requests: requests - expected, statuses });
}

/** Without those that Node adds by itself. */
export const ownHeaders = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(date|connection|keep-alive)$/.test(name)));
