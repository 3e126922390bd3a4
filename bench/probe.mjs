import cluster from 'node:cluster';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Loaded into a server under measurement with --import: tells its parent what the process has used so far, and ends it
// when the parent has gone.

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

if (cluster.isPrimary && process.channel) {
  process.on('message', (asked) => {
    if (asked === 'cpu') process.send({ cpu: process.cpuUsage() });
    if (asked === 'memory') {
      collect();
      process.send({ memory: process.memoryUsage() });
    }
  });
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}
