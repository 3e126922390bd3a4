import cluster from 'node:cluster';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Loaded into a server under measurement with --import: tells its parent what the process and the workers it has forked
// have used so far, and ends it when the parent has gone.

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const measures = {
  cpu: () => process.cpuUsage(),
  peak: () => ({ rss: process.resourceUsage().maxRSS * 1024 }),
  memory() {
    collect();
    return process.memoryUsage();
  },
};

if (cluster.isWorker) {
  process.on('message', (asked) => {
    if (measures[asked]) process.send({ [asked]: measures[asked]() });
  });
} else if (process.channel) {
  process.on('message', async (asked) => {
    const workers = await Promise.all(Object.values(cluster.workers).map((worker) => ask(worker, asked)));
    process.send({ [asked]: [measures[asked](), ...workers].reduce(sum) });
  });
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

/** Workers tell the first process of other things, too, and two messages may come at once: it listens until it is its own. */
function ask(worker, what) {
  return new Promise((resolve) => {
    const hear = (answer) => {
      if (!answer[what]) return;
      worker.off('message', hear);
      resolve(answer[what]);
    };
    worker.on('message', hear);
    worker.send(what);
  });
}

const sum = (all, one) => Object.fromEntries(Object.keys(all).map((key) => [key, all[key] + one[key]]));
