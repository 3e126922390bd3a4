import 'reflect-metadata';
import cluster from 'node:cluster';
import { main } from './roles/process.js';
import { redirectWorker } from './roles/redirect-workers/worker-process.js';

// Forked by RedirectWorkers, where REDIRECT_WORKERS says so.
await (cluster.worker ? redirectWorker(cluster.worker) : main());
