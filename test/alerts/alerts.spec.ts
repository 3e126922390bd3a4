import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { describeWithPrometheus } from '../support/promtool.js';

const ROOT = join(import.meta.dirname, '../..');
const RULES = join(ROOT, 'helm/waypost/alerts');
const TESTS = join(ROOT, 'test/alerts');
const RUNBOOKS = join(ROOT, 'docs/runbooks');

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

interface RuleTest {
  promql_expr_test: Array<{ expr: string; exp_samples: unknown[] }>;
}

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');
const filesIn = (folder: string, end: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(end))
    .map((file) => join(folder, file));

const rules = filesIn(RULES, '.yaml').flatMap((file) =>
  (parse(read(file)) as { groups: Array<{ rules: Rule[] }> }).groups.flatMap((group) => group.rules),
);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const tests = filesIn(TESTS, '.test.yaml').flatMap((file) => (parse(read(file)) as { tests: RuleTest[] }).tests);

/** `WaypostClicksLost` has its runbook in `clicks-lost.md`. */
const runbookOf = (alert = ''): string =>
  alert
    .replace(/^Waypost/, '')
    .replaceAll(/(?<!^)([A-Z])/g, '-$1')
    .toLowerCase();

const promtool = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync('promtool', args, { encoding: 'utf8' });

describeWithPrometheus('rules', () => {
  it('are sound to Prometheus', () => {
    const { status, stdout, stderr } = promtool('check', 'rules', ...filesIn(RULES, '.yaml'));
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('fire and clear as their tests say', () => {
    const { status, stdout, stderr } = promtool('test', 'rules', ...filesIn(TESTS, '.test.yaml'));
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.not.stringContaining('FAILED')]);
  }, 120_000);
});

describe('an alert', () => {
  it.each(alerts.map((rule) => [rule.alert, rule] as const))('%s fires and clears in a test', (alert, { labels }) => {
    // Rules of one name are told apart by what their tests ask for.
    const its = alerts.filter((other) => other.alert === alert);
    const key = ['burn', 'role', 'severity'].find(
      (label) => new Set(its.map((other) => other.labels?.[label])).size === its.length && its.length > 1,
    );
    const asked = (expr: string): boolean =>
      expr.includes(`alertname="${alert}"`) && (key === undefined || expr.includes(`${key}="${labels?.[key]}"`));
    const states = tests.map(({ promql_expr_test: all }) =>
      all.filter(({ expr }) => asked(expr)).map(({ exp_samples: samples }) => samples.length > 0),
    );
    // In one and the same test: first there, and then not any more.
    expect(states.some((one) => one.includes(true) && one.lastIndexOf(false) > one.indexOf(true))).toBe(true);
  });

  it.each(alerts.map((rule) => [rule.alert, rule] as const))('%s says what is wrong and what to do', (alert, rule) => {
    const { labels = {}, annotations = {} } = rule;
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\S/);
    expect(annotations.description).toMatch(/\S/);
    expect(annotations.runbook_url).toBe(`https://waypost.dev/runbooks/${runbookOf(alert)}`);
    const runbook = read(RUNBOOKS, `${runbookOf(alert)}.md`);
    expect(runbook.startsWith(`# ${alert}\n`)).toBe(true);
    expect([...runbook.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual([
      'Meaning',
      'Impact',
      'Diagnosis',
      'Mitigation',
    ]);
    expect(read(RUNBOOKS, 'README.md')).toContain(`[${alert}](${runbookOf(alert)}.md)`);
  });
});

describe('rules, dashboards and runbooks', () => {
  const documented = read(ROOT, 'docs/metrics.md');
  const recorded = rules.map(({ record }) => record);
  const texts = [
    ...rules.map(({ alert, record, expr }) => [alert ?? record ?? '', expr] as const),
    ...filesIn(join(ROOT, 'helm/waypost/dashboards'), '.json').map((file) => [file, read(file)] as const),
    ...filesIn(RUNBOOKS, '.md').map((file) => [file, read(file)] as const),
  ];

  it.each(texts)('name no metric in %s that there is not', (_name, text) => {
    const named = text.match(/\b(?:waypost|nodejs|process)_[a-z0-9_]+\b/g) ?? [];
    const roles = /^waypost_(owner|app|ingest|resolver|backup)$/;
    for (const name of named.filter((one) => !roles.test(one))) {
      const base = name.replace(/_(bucket|sum|count)$/, '');
      expect(documented.includes(`\`${name}\``) || documented.includes(`\`${base}\``) ? '' : name).toBe('');
    }
    for (const [name] of text.matchAll(/\bwaypost:[a-z0-9_]+:[a-z0-9_]+/g)) expect(recorded).toContain(name);
  });

  it('name no command of the operators in a runbook that there is not', () => {
    const commands = [...read(ROOT, 'docs/operations.md').matchAll(/^\| `([^|]+)` +\| .*$/gm)].flatMap(([, names]) => names?.split(', ') ?? []); // prettier-ignore
    const known = new Set(commands.join(' ').match(/[a-z-]+/g));
    const scripts = Object.keys((JSON.parse(read(ROOT, 'package.json')) as { scripts: object }).scripts);
    for (const file of filesIn(RUNBOOKS, '.md')) {
      const text = read(file);
      for (const [, command = ''] of text.matchAll(/\bwaypost\.js ([a-z-]+(?: [a-z]+)?)/g)) {
        for (const word of command.split(' ')) expect([file, word, known.has(word)]).toEqual([file, word, true]);
      }
      for (const [, script = ''] of text.matchAll(/\bnpm run ([a-z:-]+)/g)) expect([file, scripts]).toEqual([file, expect.arrayContaining([script])]); // prettier-ignore
    }
  });

  it('read in a runbook the log of every pod of a role, and all of it', () => {
    const whole = /logs (-l app\.kubernetes\.io\/component=(api|redirect|worker) --prefix --tail=-1 |job\/|<pod>)/;
    for (const file of filesIn(RUNBOOKS, '.md')) {
      for (const [command] of read(file).matchAll(/\bkubectl\b.* logs .*/g)) expect([file, command]).toEqual([file, expect.stringMatching(whole)]); // prettier-ignore
    }
  });

  it('lead from every runbook to pages that there are', () => {
    for (const file of filesIn(RUNBOOKS, '.md')) {
      for (const [, target = ''] of read(file).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
        expect(() => read(RUNBOOKS, target)).not.toThrow();
      }
    }
  });
});
