import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { ApiModule } from './roles/api/api.module.js';
import { routesOf, writtenRoutes } from './roles/api/routes.js';

/** `node dist/routes.js <file>`: writes every route with its permission, and fails where one has none. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file to write');
await writeFile(file, writtenRoutes(routesOf(ApiModule)));
