import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cursors } from '../../src/platform/http/pagination.js';
import { Secrets } from '../../src/platform/secrets/secrets.js';
import { uuidOf } from '../support/click-segments.js';
import { type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { Visitor } from '../support/visitor.js';
import { eventually, type LinkBody } from '../support/waypost.js';

/** A client that comes again when a stream ends, with the id of the last event, as an EventSource does. */
class Follower {
  readonly clicks: string[] = [];
  readonly events: string[] = [];
  retryMs = 0;
  streams = 0;
  text = '';
  private response: http.IncomingMessage | undefined;
  private leaving = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly url: string,
    private readonly apiKey: string,
    public lastId?: string,
  ) {
    this.running = this.follow();
  }

  async leave(): Promise<void> {
    this.leaving = true;
    this.response?.destroy();
    await this.running;
  }

  private async follow(): Promise<void> {
    while (!this.leaving) {
      try {
        await this.listen();
      } catch {
        // Nobody is there, or no longer.
      }
      if (!this.leaving) await sleep(this.retryMs || 200);
    }
  }

  private async listen(): Promise<void> {
    const headers = {
      authorization: `Bearer ${this.apiKey}`,
      ...(this.lastId !== undefined && { 'last-event-id': this.lastId }),
    };
    this.response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http.get(this.url, { headers, agent: false }, resolve).on('error', reject);
    });
    if (this.response.statusCode !== 200) throw new Error(`It answered ${this.response.statusCode}`);
    this.streams++;
    this.text = '';
    let rest = '';
    for await (const piece of this.response as AsyncIterable<Buffer>) {
      this.text += piece.toString();
      const messages = (rest + piece.toString()).split('\n\n');
      rest = messages.pop() ?? '';
      for (const message of messages) this.take(message);
    }
  }

  private take(message: string): void {
    this.lastId = /^id: (.+)$/m.exec(message)?.[1] ?? this.lastId;
    this.retryMs = Number(/^retry: (\d+)$/m.exec(message)?.[1] ?? this.retryMs);
    const event = /^event: (.+)$/m.exec(message)?.[1];
    if (event) this.events.push(event);
    const data = /^data: (.+)$/m.exec(message)?.[1];
    if (event === 'click' && data) this.clicks.push((JSON.parse(data) as { id: string }).id);
  }
}

describe('the live stream', () => {
  let deployment: Deployment;
  let api: RoleProcess;
  let redirect: RoleProcess;
  let worker: RoleProcess;
  let tenant: Customer;
  let link: LinkBody;

  beforeAll(async () => {
    deployment = await Deployment.open(18);
    [api, redirect, worker] = await Promise.all([
      deployment.start('api'),
      deployment.start('redirect'),
      deployment.start('worker'),
    ]);
    tenant = await deployment.newTenant();
    link = await tenant.link();
  }, 90_000);
  afterAll(async () => {
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  const url = (): string => `http://127.0.0.1:${api.ports.PORT}/v1/analytics/live`;
  const begun = (follower: Follower): Promise<unknown> =>
    eventually(async () => follower.lastId, (id) => id !== undefined, 20); // prettier-ignore

  it('has each click once, though the worker is killed, the database crashes and the API starts anew', async () => {
    const follower = new Follower(url(), tenant.apiKey);
    await begun(follower);
    let answered = 0;
    const visits = { over: false };
    const visiting = (async () => {
      const visitor = new Visitor({ port: redirect.port });
      while (!visits.over) {
        if ((await visitor.get(tenant.domain, `/${link.key}`)).status === 302) answered++;
        await sleep(20);
      }
      visitor.leave();
    })();
    const some = (): Promise<void> => sleep(2_000);
    const followed = (streams: number): Promise<number> =>
      eventually(async () => follower.streams, (seen) => seen >= streams, 60); // prettier-ignore
    await some();
    await deployment.kill(worker);
    await some();
    worker = await deployment.start('worker', worker);
    await some();
    deployment.postgres.crash();
    await some();
    expect(await deployment.stop(api)).toBe(0);
    await some();
    api = await deployment.start('api', api);
    await followed(2);
    await some();
    await deployment.kill(api);
    await some();
    api = await deployment.start('api', api);
    await followed(3);
    await some();
    visits.over = true;
    await visiting;
    await eventually(async () => follower.clicks.length, (length) => length >= answered, 90); // prettier-ignore
    await sleep(2_500);
    process.stdout.write(`Live: ${answered} clicks over ${follower.streams} streams\n`);
    await follower.leave();
    expect(follower.clicks).toHaveLength(answered);
    expect(new Set(follower.clicks).size).toBe(answered);
    expect(new Set(follower.events)).toEqual(new Set(['click']));
    expect(follower.streams).toBeGreaterThanOrEqual(3);
  }, 240_000);

  it('sends its listeners elsewhere when the process stops, and waits for none that does not read', async () => {
    const follower = new Follower(url(), tenant.apiKey);
    await begun(follower);
    const deaf = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http
        .get(url(), { headers: { authorization: `Bearer ${tenant.apiKey}` }, agent: false }, resolve)
        .on('error', reject);
    });
    deaf.on('error', () => undefined); // nobody says goodbye to it
    deaf.pause();
    const start = performance.now();
    expect(await deployment.stop(api)).toBe(0);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(follower.text).toMatch(/^retry: \d+\n/);
    expect(follower.text).toMatch(/: come again\n: waiting\nid: \S+\n\n$/);
    deaf.destroy();
    await follower.leave();
    api = await deployment.start('api', api);
  }, 60_000);

  it('says so when the position is of a database that has been restored since, and goes on from now', async () => {
    const cursors = new Cursors(new Secrets(Buffer.from(deployment.env.SECRET_KEY ?? '', 'base64')));
    const ctx = { tenantId: uuidOf(tenant.tenantId) } as never;
    const follower = new Follower(url(), tenant.apiKey);
    await begun(follower);
    await follower.leave();
    const list = `live clicks ${JSON.stringify({ bots: false })}`;
    const ahead = cursors.write(ctx, list, ['4611686018427387904', '00000000-0000-0000-0000-000000000000']);
    const late = new Follower(url(), tenant.apiKey, ahead);
    await eventually(async () => late.events, (events) => events.includes('reset'), 20); // prettier-ignore
    expect(late.lastId).not.toBe(ahead);
    await late.leave();
  }, 60_000);
});
