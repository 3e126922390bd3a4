import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Caller, eventually, type LinkBody, request } from '../support/waypost.js';
import {
  type Credentials,
  freePorts,
  ownRedis,
  removeData,
  spawnWaypost,
  type WaypostProcess,
  whenStarted,
} from '../support/waypost-process.js';

/** KILL_ROUNDS=50 takes some minutes. */
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 4);

describe('clicks of a process that is killed', () => {
  let dataDir: string;
  let ports: Awaited<ReturnType<typeof freePorts>>;
  let waypost: WaypostProcess;
  let credentials: Credentials;
  let link: LinkBody;

  const start = async (): Promise<void> => {
    waypost = spawnWaypost({ ...ports, ...ownRedis(2), DATA_DIR: dataDir, LOG_LEVEL: 'info' });
    credentials = await whenStarted(waypost, dataDir);
  };

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-killed-'));
    ports = await freePorts();
    await start();
    link = await new Caller(credentials.apiKey, credentials.apiUrl).link();
  }, 60_000);
  afterAll(async () => {
    waypost.child.kill('SIGTERM');
    expect(await waypost.exited).toBe(0);
    await removeData(dataDir);
  }, 30_000);

  it(
    'are counted, each once, if the visitor has read the answer',
    async () => {
      let answered = 0;
      for (let round = 1; round <= ROUNDS; round++) {
        for (let n = 0; n < 20 + round; n++) {
          expect((await request('GET', link.shortLink)).status).toBe(302);
          answered++;
        }
        // At once: what was answered last is in no queue yet.
        waypost.child.kill('SIGKILL');
        await waypost.exited;
        await start();
        const caller = new Caller(credentials.apiKey, credentials.apiUrl);
        const count = () => caller.get<{ clicks: number }>(`/v1/analytics?groupBy=count&linkId=${link.id}`);
        await eventually(count, ({ body }) => body.clicks === answered, 40);
        expect((await caller.get<LinkBody>(`/v1/links/${link.id}`)).body.clicks).toBe(answered);
      }
    },
    60_000 + ROUNDS * 30_000,
  );
});
