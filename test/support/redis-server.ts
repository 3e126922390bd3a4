import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from '@jest/globals';
import { Redis } from 'ioredis';
import { freePort } from './waypost-process.js';

/**
 * For tests that kill Redis: they need one of their own, and its program. Without it they are skipped, and say so; but
 * not where the checks of a change run on Redis.
 */
export function describeWithRedis(name: string, tests: () => void): void {
  const { error } = spawnSync('redis-server', ['--version']);
  const { CI, REDIS_URL } = process.env;
  if (error && CI && REDIS_URL) throw new Error('The run on Redis needs redis-server', { cause: error });
  if (error) process.stderr.write(`Skipped: "${name}", for there is no redis-server here (${error.message})\n`);
  (error ? describe.skip : describe)(name, tests);
}

/** A Redis that can be killed, frozen and started again on its data. */
export class RedisServer {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly dir: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await mkdtemp(join(tmpdir(), 'waypost-redis-')), await freePort());
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async restart(): Promise<void> {
    const options = { port: this.port, bind: '127.0.0.1', dir: this.dir, appendonly: 'yes', save: '' };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.child = spawn('redis-server', args, { stdio: 'ignore' });
    await this.ask(async (redis) => {
      for (let left = 200; (await redis.ping().catch(String)) !== 'PONG'; left--) {
        if (left === 0) throw new Error('Redis did not start within 10 s');
        await sleep(50);
      }
    });
  }

  async kill(): Promise<void> {
    const gone = this.child && once(this.child, 'exit');
    this.child?.kill('SIGKILL');
    await gone;
  }

  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** Runs `work` with a connection of its own. */
  async ask<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url, { maxRetriesPerRequest: 100, retryStrategy: () => 50 });
    redis.on('error', () => undefined); // What fails is told by the command.
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }
}
