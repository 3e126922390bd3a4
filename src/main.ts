import 'reflect-metadata';
import { main } from './roles/process.js';

await main();
