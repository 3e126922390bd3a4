import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ErrorKind, STATUS_OF } from '../../src/platform/http/domain-error.js';

const ROOT = join(import.meta.dirname, '../..');

let sources: string;
let docs: string;
beforeAll(async () => {
  const names = await readdir(join(ROOT, 'src'), { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'));
  sources = (await Promise.all(files.map((name) => readFile(join(ROOT, 'src', name), 'utf8')))).join('\n');
  docs = await readFile(join(ROOT, 'docs/errors.md'), 'utf8');
});

const sorted = (lines: Iterable<string>): string[] => [...new Set(lines)].sort();

describe('docs/errors.md', () => {
  it('has every error code with its status, and no other', () => {
    // new DomainError('conflict', 'key_taken', …), and the same three in the table of problem.ts.
    const made = [...sources.matchAll(/(?:new DomainError\(|\d{3}: \[)\s*'(\w+)',\s*'(\w+)',/g)];
    const used = made.map(([, kind, code]) => `${code} ${STATUS_OF[kind as ErrorKind]}`);
    expect(used.length).toBeGreaterThan(20);

    const documented = [...docs.matchAll(/^### `(\w+)`\n+Status: (\d{3})\./gm)].map(
      ([, code, status]) => `${code} ${status}`,
    );
    expect(sorted(documented)).toEqual(sorted([...used, 'internal_error 500']));
  });

  it('has every code that a field of the input can be refused with', () => {
    const patterns = [
      /params: \{ code: '(\w+)'/g,
      /invalidField\(\s*[^,]+,\s*'(\w+)'/g,
      /\{\s*code: '(?!custom)(\w+)',\s*message/g,
      /refuse\('\w+', '(\w+)'/g,
    ];
    const used = patterns.flatMap((pattern) => [...sources.matchAll(pattern)].map(([, code = '']) => code));
    expect(used.length).toBeGreaterThan(15);

    const section = docs.slice(docs.indexOf('## Field codes'));
    const documented = new Set([...section.matchAll(/^\| `(\w+)`/gm)].map(([, code = '']) => code));
    expect(sorted(used).filter((code) => !documented.has(code))).toEqual([]);
  });
});
