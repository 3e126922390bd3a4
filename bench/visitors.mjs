import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { byZipf, eachOnce } from './keys.mjs';

// Visitors of short links, in a process of their own: keep-alive connections with one request under way on each. They
// write prepared bytes and look for the end of an answer, no more, so that the server is what a round measures. Started
// with `fork`; each message is a round to make, and is answered with what came of it.

const TIMEOUT_MS = 10_000;
const HEADERS = [
  'user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'referer: https://news.example.com/',
];
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const KEYS = { byZipf, eachOnce };

process.on('message', (round) => {
  visit(round).then(
    (result) => process.send({ result }),
    (error) => process.send({ error: error.message }),
  );
});
process.once('disconnect', () => process.exit());

/**
 * Asks for keys in their order, from the first again after the last, until `seconds` are over or `amount` is reached.
 * Without `rate`, each connection asks again as soon as it was answered. With one, so many requests become due each
 * second whatever the server does, and one that waits for a free connection waits for its answer already.
 *
 * @param keys the name of a function in keys.mjs and what it is given
 */
async function visit({
  port,
  host,
  keys: [drawn, ...given],
  connections,
  seconds = Infinity,
  amount = Infinity,
  rate,
}) {
  const requests = KEYS[drawn](...given).map((key) => Buffer.from(request(host, key)));
  const seen = { latencies: [], statuses: {} };
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.to(port, seen)));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + seconds * 1000;
  let asked = 0;
  const next = () => requests[asked++ % requests.length];
  try {
    if (rate === undefined) {
      const more = () => asked < amount && performance.now() < end;
      await Promise.all(open.map((connection) => untilDone(connection, next, more)));
    } else {
      await atRate(open, next, rate, Math.min(amount, seconds * rate));
    }
  } finally {
    for (const { socket } of open) socket.destroy();
  }
  return summary(seen, performance.now() - start, process.cpuUsage(cpu));
}

async function untilDone(connection, next, more) {
  while (more()) await connection.ask(next(), performance.now());
}

async function atRate(open, next, rate, amount) {
  const free = [...open];
  const waiting = []; // since when
  const answers = [];
  const serve = async (connection, since) => {
    await connection.ask(next(), since);
    if (waiting.length > 0) return serve(connection, waiting.shift());
    free.push(connection);
  };
  const start = performance.now();
  for (let due = 0; due < amount; await sleep(1)) {
    const now = performance.now();
    for (; due < Math.min(amount, ((now - start) / 1000) * rate); due++) {
      if (free.length > 0) answers.push(serve(free.shift(), now));
      else waiting.push(now);
    }
  }
  await Promise.all(answers);
}

class Connection {
  static to(port, seen) {
    return new Promise((resolve, reject) => {
      const connection = new Connection(seen);
      // One buffer for all that is read: an answer is looked at and let go.
      const onread = { buffer: Buffer.alloc(65_536), callback: (bytes, buffer) => connection.read(bytes, buffer) };
      connection.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, () => resolve(connection));
      connection.socket.setTimeout(TIMEOUT_MS, () => connection.fail(new Error(`No answer within ${TIMEOUT_MS} ms`)));
      connection.socket.once('error', (error) => connection.fail(error) ?? reject(error));
      connection.socket.once('close', () => connection.fail(new Error('The server closed a connection')));
    });
  }

  constructor(seen) {
    this.seen = seen;
  }

  ask(bytes, since) {
    this.since = since;
    this.left = undefined; // bytes of the answer that are yet to come, once its head was read
    this.head = '';
    return new Promise((resolve, reject) => {
      this.pending = { resolve, reject };
      this.socket.write(bytes);
    });
  }

  read(bytes, buffer) {
    if (this.left === undefined) {
      const end = this.head === '' ? buffer.subarray(0, bytes).indexOf(END_OF_HEAD) : -1;
      const before = this.head.length;
      this.head += buffer.latin1Slice(0, bytes);
      const headEnd = end >= 0 ? end : this.head.indexOf('\r\n\r\n');
      if (headEnd < 0) return true;
      const length = /\r\ncontent-length: (\d+)/i.exec(this.head);
      if (!length) return (this.fail(new Error(`An answer of unknown length:\n${this.head}`)), false);
      this.left = headEnd + END_OF_HEAD.length + Number(length[1]) - before;
    }
    this.left -= bytes;
    if (this.left > 0) return true;
    const status = this.head.slice(9, 12);
    this.seen.statuses[status] = (this.seen.statuses[status] ?? 0) + 1;
    this.seen.latencies.push(performance.now() - this.since);
    this.pending.resolve();
    return true;
  }

  fail(error) {
    this.pending?.reject(error);
  }
}

const request = (host, key) => [`GET /${key} HTTP/1.1`, `host: ${host}`, ...HEADERS, '', ''].join('\r\n');

function summary({ latencies, statuses }, ms, { user, system }) {
  const sorted = Float64Array.from(latencies).sort();
  const percentile = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
  return {
    requests: sorted.length,
    statuses,
    perSecond: (sorted.length / ms) * 1000,
    p50: percentile(0.5),
    p99: percentile(0.99),
    /** How much of its core these visitors took: near 1, they and not the server are what limits the round. */
    visitorsBusy: (user + system) / 1000 / ms,
  };
}
