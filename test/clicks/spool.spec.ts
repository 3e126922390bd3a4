import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClickRecorder } from '../../src/clicks/clicks.recorder.js';
import { lockFolder } from '../../src/clicks/folder-lock.js';
import { type Segment, Spool } from '../../src/clicks/spool.js';
import { ClickEncoder, decodeClicks } from '../../src/clicks/spool-format.js';
import { FrameSealer, openFrames } from '../../src/platform/secrets/sealed-frames.js';

const uuid = (letter: string): string => `00000000-0000-7000-8000-00000000000${letter}`;
const link = (letter: string) => ({ tenantId: 't', domainId: 'd', linkId: uuid(letter) });
const visitor = {
  address: '',
  userAgent: undefined,
  referrer: undefined,
  language: undefined,
  country: undefined,
  optedOut: false,
};
const keyOf = (segment: string): Buffer => Buffer.alloc(32, segment);
/** As a process writes them: a frame for each of these links. */
function framesOf(segment: string, ...ids: string[]): Buffer[] {
  const encoder = new ClickEncoder();
  const sealer = new FrameSealer(keyOf(segment));
  return ids.map((id) => {
    encoder.begin(1);
    encoder.add(link(id), visitor, '');
    return sealer.seal(encoder.take());
  });
}

const MEGABYTE = 1024 * 1024;

describe('the spool', () => {
  let parent: string;
  const spools: Spool[] = [];
  const newSpool = (folder: string, maxBytes: number): Spool => {
    const spool = new Spool({ parent: folder, maxBytes, keyOf, keysOf: (segment) => [keyOf(segment)] });
    spools.push(spool);
    return spool;
  };
  const open = (maxBytes = MEGABYTE): Spool => {
    const spool = newSpool(parent, maxBytes);
    spool.makeFolder();
    return spool;
  };
  /** @returns how many segments */
  const adopt = async (spool: Spool): Promise<number> => {
    await spool.adopt((error) => {
      throw error;
    });
    return spool.adopted.segments;
  };
  const write = (spool: Spool, ...ids: string[]): void => {
    for (const id of ids) spool.append(link(id), visitor, '');
    spool.flush();
  };
  const idsOf = async (spool: Spool): Promise<string[]> => {
    const segment = spool.next();
    if (!segment) return [];
    const { frames } = openFrames(keyOf(segment.id), await spool.read(segment));
    return decodeClicks(segment.id, frames).map(({ linkId }) => linkId.slice(-1));
  };

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'waypost-spool-'));
  });
  afterEach(async () => {
    for (const spool of spools.splice(0)) spool.close();
    await rm(parent, { recursive: true, force: true });
  });

  it('gives clicks back in segments, in order, until they are removed', async () => {
    const spool = open();
    write(spool, 'a', 'b');
    write(spool, 'c');
    expect(spool.next()).toBeUndefined();
    spool.seal();
    write(spool, 'd');
    spool.seal();
    expect(await idsOf(spool)).toEqual(['a', 'b', 'c']);
    await spool.remove(spool.next() as never);
    expect(await idsOf(spool)).toEqual(['d']);
    await spool.remove(spool.next() as never);
    expect(spool.next()).toBeUndefined();
    expect(spool.size).toBe(0);
  });

  it('refuses clicks when it is full, and takes them again when the queue has taken some', async () => {
    const spool = open(200);
    const take = (id: string): boolean => spool.append(link(id), visitor, '');
    while (take('a')) spool.flush();
    expect(spool.size).toBeGreaterThanOrEqual(200);
    expect(spool.size).toBeLessThan(400);
    expect(take('b')).toBe(false);
    spool.seal();
    await spool.remove(spool.next() as never);
    expect(take('c')).toBe(true);
  });

  it('takes no click before it has a folder, which is made as soon as it can be', async () => {
    const folder = join(parent, 'spool');
    await writeFile(folder, 'in the way');
    const spool = newSpool(folder, MEGABYTE);
    expect(() => spool.makeFolder()).toThrow('ENOTDIR');
    expect(spool.append(link('a'), visitor, '')).toBe(false);
    expect(await adopt(spool)).toBe(0);
    spool.seal();
    expect([spool.size, spool.oldest, spool.hasFolder]).toEqual([0, undefined, false]);
    await rm(folder);
    spool.makeFolder();
    write(spool, 'b');
    spool.seal();
    expect(await idsOf(spool)).toEqual(['b']);
  });

  it('leaves alone what a living process writes', async () => {
    const living = open();
    write(living, 'a');
    expect(await adopt(open())).toBe(0);
    living.seal();
    expect(await idsOf(living)).toEqual(['a']);
  });

  it('takes over what a dead process left, its torn last line cut, and by one taker alone', async () => {
    const folder = join(parent, 'dead');
    await mkdir(folder);
    await appendFile(join(folder, '1.segment'), Buffer.concat(framesOf('1', 'a')));
    const [whole = Buffer.alloc(0), torn = Buffer.alloc(0)] = framesOf('2', 'b', 'c');
    await appendFile(join(folder, '2.open'), Buffer.concat([whole, torn.subarray(0, -5)]));
    const takers = [open(), open(), open()];
    const taken = await Promise.all(takers.map(adopt));
    expect(taken.toSorted()).toEqual([0, 0, 2]);

    const taker = takers[taken.indexOf(2)] as Spool;
    expect(await idsOf(taker)).toEqual(['a']);
    await taker.remove(taker.next() as never);
    expect(openFrames(keyOf('2'), await taker.read(taker.next() as never)).torn).toBe(true);
    expect(await idsOf(taker)).toEqual(['b']);
    expect(await readdir(parent)).not.toContain('dead');
  });

  it('takes over what others left though one folder can not be had', async () => {
    for (const name of ['bad', 'dead']) await mkdir(join(parent, name));
    await writeFile(join(parent, 'bad', 'lock'), 'no database'.repeat(1_000));
    await appendFile(join(parent, 'dead', '1.segment'), Buffer.concat(framesOf('1', 'a')));
    const spool = open();
    const failures: unknown[] = [];
    await spool.adopt((error) => failures.push(error));
    expect(failures).toHaveLength(1);
    expect(spool.adopted).toEqual({ segments: 1, clicks: 1 });
    expect(await idsOf(spool)).toEqual(['a']);
  });

  it('holds no segment up for one that can not be read, which stays', async () => {
    const dead = join(parent, 'spool', 'dead');
    // In place of a file, a folder: nobody can read that.
    await mkdir(join(dead, '1.segment'), { recursive: true });
    await appendFile(join(dead, '2.segment'), Buffer.concat(framesOf('2', 'a')));
    const [sent, said]: [string[], unknown[]] = [[], []];
    const secrets = {
      keyFor: (_purpose: string, segment: string) => keyOf(segment),
      keysFor: (_purpose: string, segment: string) => [keyOf(segment)],
    };
    const queue = { send: async ({ segment }: { segment: string }) => void sent.push(segment) };
    const logger = {
      info: () => undefined,
      error: (facts: object, message: string) => said.push({ ...facts, message }),
    };
    const recorder = new ClickRecorder(
      { dataDir: parent, spoolBytes: MEGABYTE } as never,
      secrets as never,
      queue as never,
      logger as never,
      undefined as never,
    );
    await recorder.onApplicationBootstrap();
    await recorder.beforeApplicationShutdown();
    expect(sent).toEqual(['2']);
    const reason = expect.stringContaining('EISDIR');
    expect(said).toEqual([{ segments: 1, reason, message: 'Clicks wait, for their files fail' }]);
    const left = await readdir(join(parent, 'spool'), { recursive: true });
    expect(left.filter((name) => name.endsWith('.segment'))).toEqual([expect.stringMatching(/1\.segment$/)]);
  });

  it('puts a segment behind the others when told so, and says how old it is all the same', () => {
    const spool = open();
    write(spool, 'a');
    spool.seal();
    write(spool, 'b');
    spool.seal();
    const [first, { oldest }] = [spool.next() as Segment, spool];
    spool.postpone(first);
    expect(spool.next()).not.toBe(first);
    expect(spool.oldest).toBe(oldest);
    spool.postpone(spool.next() as Segment);
    expect(spool.next()).toBe(first);
  });

  it('knows a dead process from a living one by the lock that ends with it', async () => {
    const script = `const { DatabaseSync } = require('node:sqlite');
      const database = new DatabaseSync(process.argv[1]); database.exec('BEGIN EXCLUSIVE');
      process.stdout.write('locked'); setInterval(() => database.isOpen, 1000);`;
    const other = spawn(process.execPath, ['-e', script, join(parent, 'lock')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    expect(lockFolder(parent)).toBeUndefined();
    other.kill('SIGKILL');
    await once(other, 'exit');
    const lock = lockFolder(parent);
    expect(lock).toBeDefined();
    lock?.release();
  });
});
