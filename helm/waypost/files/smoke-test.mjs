// What a visitor, a program and Prometheus find. Takes the addresses of the API, of the redirect listener and of each ops port.
const [api, redirect, ...ops] = process.argv.slice(1);

const questions = [
  { url: `${api}/v1/links`, status: 401, holds: 'unauthenticated' },
  { url: `${api}/.well-known/security.txt`, status: 200, holds: 'Contact:' },
  { url: `${redirect}/waypost-smoke-test`, status: 404, holds: '' },
  ...ops.flatMap((port) => [
    { url: `${port}/readyz`, status: 200, holds: '"ok"' },
    { url: `${port}/metrics`, status: 200, holds: 'process_cpu_seconds_total' },
  ]),
];

async function answer({ url, status, holds }) {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    const right = response.status === status && text.includes(holds);
    return { right, line: `${right ? 'ok  ' : 'FAIL'} ${response.status} ${url}` };
  } catch (error) {
    return { right: false, line: `FAIL ${url}: ${error.cause?.message ?? error.message}` };
  }
}

const answers = await Promise.all(questions.map(answer));
for (const { line } of answers) process.stdout.write(`${line}\n`);
process.exitCode = answers.every(({ right }) => right) ? 0 : 1;
