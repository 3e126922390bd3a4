import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { isMap, isScalar, parseDocument } from 'yaml';
import { Failure, root, runAsCommand } from './project.mjs';

// Writes helm/waypost/README.md from the comments in values.yaml: `# -- ` begins what a value means. With --check it only
// looks whether the README is what it would write.

const chart = join(root, 'helm/waypost');
const readme = join(chart, 'README.md');

await runAsCommand(import.meta.url, async () => {
  const text = await written();
  if (process.argv.includes('--check')) {
    if ((await readFile(readme, 'utf8').catch(() => '')) === text) return 0;
    throw new Failure('helm/waypost/README.md is not what values.yaml says: npm run chart:readme');
  }
  await writeFile(readme, text);
  return 0;
});

async function written() {
  const [head, values] = await Promise.all(
    ['README.head.md', 'values.yaml'].map((name) => readFile(join(chart, name), 'utf8')),
  );
  const rows = rowsOf(parseDocument(values).contents, '');
  const table = rows.map(({ path, meaning, fallback }) => `| \`${path}\` | ${meaning} | \`${fallback}\` |`);
  const text = [head.trimEnd(), '', '## Values', '', '| value | meaning | default |', '| --- | --- | --- |', ...table];
  return format(`${text.join('\n')}\n`, { ...(await resolveConfig(readme)), parser: 'markdown' });
}

/** A row for each value that is no group of others, or that is said as a whole. */
function rowsOf(map, prefix) {
  return map.items.flatMap(({ key, value }, index) => {
    const path = `${prefix}${key.value}`;
    // What stands before the first key of a map, the parser gives to the map.
    const meaning = meaningOf(key.commentBefore ?? (index === 0 ? map.commentBefore : undefined));
    const isGroup = isMap(value) && value.items.length > 0 && !value.flow && meaning === '';
    if (isGroup) return rowsOf(value, `${path}.`);
    // The variables of the configuration have a document of their own.
    if (prefix === 'env.') return [{ path, meaning: 'See `docs/configuration.md`', fallback: 'null' }];
    const json = isScalar(value) && typeof value.value === 'string' ? value.value : JSON.stringify(value.toJSON());
    return [{ path, meaning, fallback: (json || '""').replaceAll('|', '\\|') }];
  });
}

function meaningOf(comment = '') {
  const [, meaning] = /(?:^|\n) -- ([^]*)$/.exec(comment) ?? [];
  return meaning === undefined
    ? ''
    : meaning
        .split('\n')
        .map((line) => line.trim())
        .join(' ')
        .replaceAll('|', '\\|');
}
