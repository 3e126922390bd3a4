import { build } from './build.mjs';
import { prepare } from './prepare.mjs';
import { node, run, runAsCommand } from './project.mjs';

await runAsCommand(import.meta.url, async () => {
  await prepare();
  await build();
  // Jest loads ES modules through node:vm, which Node still calls experimental.
  const options = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const { code } = await run(node, [...options, 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)]);
  return code;
});
