import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

interface Row {
  entry: string;
  letter: string;
  control: string;
  proofs: string[];
}

/** The rows of the STRIDE tables, by the entry point above them. */
const rowsOf = (text: string): Row[] =>
  text.split(/^## /m).flatMap((section) => {
    const [entry = ''] = section.split('\n');
    return [...section.matchAll(/^\| ([STRIDE]) +\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm)].map(
      ([, letter = '', , control = '', proofs = '']) => ({
        entry,
        letter,
        control: control.trim(),
        proofs: [...proofs.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
      }),
    );
  });

describe('docs/threat-model.md', () => {
  let rows: Row[];
  beforeAll(async () => {
    rows = rowsOf(await readFile(join(ROOT, 'docs/threat-model.md'), 'utf8'));
  });

  it('looks at every entry point for every kind of threat', () => {
    const letters = Object.groupBy(rows, ({ entry }) => entry);
    expect(Object.keys(letters)).toEqual([
      'Redirect listener',
      'API',
      'Ops port',
      'Worker and queue',
      'Database',
      'Click spool on disk',
      'Identity providers',
      'Outgoing requests',
      'Deployment and operations',
    ]);
    for (const [entry, found = []] of Object.entries(letters)) {
      expect({ entry, letters: [...new Set(found.map(({ letter }) => letter))].sort().join('') }).toEqual({
        entry,
        letters: 'DEIRST',
      });
    }
  });

  it('names for every control a test that is there, and says what is accepted without', async () => {
    expect(rows.length).toBeGreaterThan(60);
    const accepted = rows.filter(({ control }) => control.startsWith('accepted: '));
    expect(accepted.length).toBeLessThan(8);
    const kept = rows.filter((row) => !accepted.includes(row));
    expect(kept.filter(({ control, proofs }) => control === '' || proofs.length === 0)).toEqual([]);
    const named = [...new Set(rows.flatMap(({ proofs }) => proofs))];
    expect(named.filter((file) => !/^(test|src)\/[\w/.-]+\.spec\.ts$/.test(file))).toEqual([]);
    const there = await Promise.all(
      named.map((file) =>
        access(join(ROOT, file)).then(
          () => true,
          () => false,
        ),
      ),
    );
    expect(named.filter((_, index) => !there[index])).toEqual([]);
  });
});
