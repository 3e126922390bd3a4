import { writeFile } from 'node:fs/promises';
import { metricsDocument } from './platform/telemetry/metrics-document.js';

/** `node dist/metrics-doc.js <file>`: writes what is said of every metric, which depends on the code alone. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file to write');
await writeFile(file, metricsDocument());
