import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ask, startWaypost } from '../bench/waypost.mjs';
import { Failure, runAsCommand } from './project.mjs';

// Asks every operation of the OpenAPI document for what it should and should not take, with Schemathesis: an answer 500,
// or one that the document does not have, is a failure.

const SCHEMATHESIS = 'schemathesis==4.32.5';

/** With whose credentials, what, and for which part of the time. */
const PASSES = [
  // Without what would end the credentials that it goes by.
  { who: 'tenant', part: 0.65, only: ['--exclude-path-regex', '^/v1/(analytics/live|api-keys/)'] },
  { who: 'tenant', part: 0.1, only: ['--include-path-regex', '^/v1/api-keys'] },
  { who: 'platform', part: 0.2, only: ['--include-path-regex', '^/v1/(tenants|ops)'] },
  // What it takes opens a stream without end, so it is asked for what it should not take. That includes addresses too long to
  // be read at all, of which nobody can say what else is wrong with them.
  {
    who: 'tenant',
    part: 0.05,
    only: ['--include-path-regex', '^/v1/analytics/live', '--mode', 'negative'],
    unchecked: ['missing_required_header', 'unsupported_method'],
  },
];

// The document can not say everything that makes an input valid, such as that a domain is one of yours: that a rule
// refuses what the schema allows is no fault. Nor is that something is gone which an answer named: an Idempotency-Key that
// is used again has the first answer given again.
const UNCHECKED = ['positive_data_acceptance', 'ensure_resource_availability'];

// Among what a hostile input may be answered with, a body may be too large.
const SETTINGS = `[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
`;

await runAsCommand(import.meta.url, async () => {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '1200' } } });
  const seconds = Number(values.seconds);
  if (!(seconds >= 10)) throw new Failure('--seconds must be at least 10');
  const home = await mkdtemp(join(tmpdir(), 'waypost-fuzz-'));
  try {
    const program = installed(home);
    if (program === undefined) return 0;
    await writeFile(join(home, 'schemathesis.toml'), SETTINGS);
    return await fuzz(program, home, seconds);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

/** The program, from $SCHEMATHESIS or out of the Python registry; undefined, with the reason printed, where it can not be had. */
function installed(home) {
  const given = process.env.SCHEMATHESIS;
  if (given) return given;
  const venv = join(home, 'venv');
  for (const [file, ...args] of [
    ['python3', '-m', 'venv', venv],
    [join(venv, 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check', SCHEMATHESIS],
  ]) {
    const { error, status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
    if (status === 0) continue;
    const reason = error?.message ?? stderr.trim().split('\n').at(-1);
    console.log(`Skipped: no fuzzing without ${SCHEMATHESIS}: ${reason}`);
    return undefined;
  }
  return join(venv, 'bin/schemathesis');
}

async function fuzz(program, home, seconds) {
  const unlimited = { RATE_LIMIT_TENANT: '0', RATE_LIMIT_CREDENTIAL: '0', RATE_LIMIT_FAILURES: '0' };
  const waypost = await startWaypost(undefined, unlimited);
  try {
    await ask(`${waypost.apiUrl}/v1/links`, {
      method: 'POST',
      key: waypost.apiKey,
      body: { url: 'https://example.com/' },
    });
    const faults = [];
    for (const { who, part, only, unchecked = [] } of PASSES) {
      const key = who === 'tenant' ? waypost.apiKey : waypost.platformKey;
      const time = Math.max(5, Math.round(seconds * part));
      console.log(`${time} s with the ${who}'s key: ${only.join(' ')}`);
      const checks = ['--checks', 'all', '--exclude-checks', [...UNCHECKED, ...unchecked].join(',')];
      const args = [...checks, ...only, '--max-time', String(time)];
      if ((await pass(program, home, waypost, key, args)) !== 0) faults.push(only);
    }
    if (waypost.output().includes('a reason that is ours')) faults.push(waypost.output());
    if (faults.length > 0) console.error(`${faults.length} of the runs found faults:\n${faults.join('\n')}`);
    return faults.length > 0 ? 1 : 0;
  } finally {
    await waypost.stop();
  }
}

async function pass(program, home, { apiUrl }, key, args) {
  // An answer that does not come is a fault, too: a stream without end is not asked for.
  const options = [
    '--header',
    `Authorization: Bearer ${key}`,
    '--request-timeout',
    '30',
    '--generation-database',
    'none',
  ];
  const output = ['--continue-on-failure', '--no-color', '--warnings', 'off'];
  const child = spawn(program, ['run', `${apiUrl}/v1/openapi.json`, ...options, ...output, ...args], {
    cwd: home,
    stdio: 'inherit',
  });
  const [code] = await once(child, 'close');
  return code;
}
