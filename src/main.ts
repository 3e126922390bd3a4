import { heapHasStarted } from './platform/config/modest-heap.js';
import 'reflect-metadata';
import cluster from 'node:cluster';

// What is imported statically is all read before the first line runs, and so before the heap knows how modest it is to be.
const [{ main }, { redirectWorker }] = await Promise.all([
  import('./roles/process.js'),
  import('./roles/redirect-workers/worker-process.js'),
]);

// Forked by RedirectWorkers, where REDIRECT_WORKERS says so.
await (cluster.worker ? redirectWorker(cluster.worker) : main());
heapHasStarted();
