import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
// Loaded by Node itself, too, hence the extension, and no property in a constructor's parameters.
import { freePort } from './free-port.ts';

type Settings = Record<string, string | number>;

const HOST = '127.0.0.1';
const STARTED_WITHIN_MS = 20_000;
/** Test files have one each that need keys of their own: see ownRedis. */
const DATABASES = 32;

/** A Redis that can be killed, frozen and started again on its data. */
export class RedisServer {
  readonly port: number;
  private readonly dir: string;
  private readonly settings: Settings;
  /** How one connects to it, besides host and port. */
  private readonly access: RedisOptions;
  /** Of a Sentinel, which writes to its own configuration. */
  private readonly sentinel: string[] | undefined;
  private child: ChildProcess | undefined;

  private constructor(dir: string, port: number, settings: Settings, access: RedisOptions, sentinel?: string[]) {
    this.dir = dir;
    this.port = port;
    this.settings = settings;
    this.access = access;
    this.sentinel = sentinel;
  }

  static async start(settings: Settings = {}, access: RedisOptions = {}): Promise<RedisServer> {
    const port = await freePort();
    const log = { appendonly: 'yes', save: '', 'maxmemory-policy': 'noeviction', databases: DATABASES };
    // With TLS there is no other port.
    const ports = access.tls ? { port: 0, 'tls-port': port } : { port };
    const server = new RedisServer(await newDir(), port, { ...ports, ...log, ...settings }, access);
    await server.restart();
    return server;
  }

  /** @param watches lines of its configuration */
  static async startSentinel(
    watches: string[],
    settings: Settings = {},
    access: RedisOptions = {},
  ): Promise<RedisServer> {
    const port = await freePort();
    const ports = access.tls ? { port: 0, 'tls-port': port } : { port };
    const server = new RedisServer(await newDir(), port, { ...ports, ...settings }, access, watches);
    await server.restart();
    return server;
  }

  get address(): string {
    return `${HOST}:${this.port}`;
  }

  get url(): string {
    return `redis://${this.address}`;
  }

  async restart(): Promise<void> {
    this.child = spawn('redis-server', await this.args(), { stdio: 'ignore' });
    await this.ask(async (redis) => {
      const end = Date.now() + STARTED_WITHIN_MS;
      while ((await redis.ping().catch(String)) !== 'PONG') {
        if (Date.now() > end) throw new Error('Redis did not start in time');
        await sleep(50);
      }
    });
  }

  async kill(): Promise<void> {
    const gone = this.child?.exitCode === null && this.child.signalCode === null && once(this.child, 'exit');
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
    const redis = this.connection();
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** The same of a server that may be gone, or hang: undefined, then, after this time. */
  async askWithin<T>(ms: number, work: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    return this.ask((redis) =>
      Promise.race([work(redis).catch(() => undefined), sleep(ms, undefined, { ref: false })]),
    );
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }

  private connection(): Redis {
    const redis = new Redis({
      host: HOST,
      port: this.port,
      ...this.access,
      maxRetriesPerRequest: 100,
      retryStrategy: () => 50,
    });
    redis.on('error', () => undefined); // What fails is told by the command.
    return redis;
  }

  private async args(): Promise<string[]> {
    const options = Object.entries({ bind: HOST, dir: this.dir, ...this.settings });
    if (!this.sentinel) return options.flatMap(([name, value]) => [`--${name}`, ...String(value).split(' ')]);
    const file = join(this.dir, 'sentinel.conf');
    await writeFile(file, [...options.map((option) => option.join(' ')), ...this.sentinel, ''].join('\n'));
    return [file, '--sentinel'];
  }
}

const newDir = (): Promise<string> => mkdtemp(join(tmpdir(), 'waypost-redis-'));
