import { build } from './build.mjs';
import { prepare } from './prepare.mjs';
import { apiFlags, node, run, runAsCommand } from './project.mjs';

await runAsCommand(import.meta.url, async () => {
  await prepare();
  await build();
  const { code } = await run(node, ['--enable-source-maps', ...apiFlags, 'dist/main.js', ...process.argv.slice(2)]);
  return code;
});
