import 'reflect-metadata';
import { runCommand } from './operate/program.js';

/** `node dist/migrate.js`, as images and charts call it: the same as `waypost migrate`. */
process.exitCode = await runCommand(['migrate']);
