import { describe, expect, it } from '@jest/globals';
import { parseRedisUrl, RedisUrlError } from './redis-url.js';

describe('the URL of a Redis', () => {
  it.each([
    'redis://localhost:6379',
    'redis://localhost',
    'rediss://:a,b@redis.internal:6380/3?family=6',
    'redis://[::1]:6379/0',
  ])('leaves one server to the client library: %s', (url) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'server', url });
  });

  it('names a primary by its Sentinels', () => {
    expect(parseRedisUrl('redis+sentinel://one:26380,two/waypost')).toEqual({
      kind: 'sentinel',
      tls: false,
      addresses: [
        { host: 'one', port: 26380 },
        { host: 'two', port: 26379 },
      ],
      login: {},
      primary: 'waypost',
      database: 0,
      sentinelLogin: {},
    });
  });

  it('keeps apart the logins of the servers and of the Sentinels', () => {
    const url =
      'rediss+sentinel://app:p%40ss%2Fword@[2001:db8::1]/main/2?sentinel_username=watch&sentinel_password=s%26t';
    expect(parseRedisUrl(url)).toEqual({
      kind: 'sentinel',
      tls: true,
      addresses: [{ host: '2001:db8::1', port: 26379 }],
      login: { username: 'app', password: 'p@ss/word' },
      primary: 'main',
      database: 2,
      sentinelLogin: { username: 'watch', password: 's&t' },
    });
  });

  it('names some nodes of a Cluster', () => {
    expect(parseRedisUrl('redis+cluster://:secret@10.0.0.1:7000,10.0.0.2')).toEqual({
      kind: 'cluster',
      tls: false,
      addresses: [
        { host: '10.0.0.1', port: 7000 },
        { host: '10.0.0.2', port: 6379 },
      ],
      login: { password: 'secret' },
      name: undefined,
    });
    expect(parseRedisUrl('rediss+cluster://app:@redis.internal/waypost-eu')).toMatchObject({
      tls: true,
      login: { username: 'app' },
      name: 'waypost-eu',
    });
    expect(parseRedisUrl('redis+cluster://redis.internal/')).toMatchObject({ name: undefined });
  });

  it.each([
    ['hunter2', 'must look like'],
    ['http://host:6379', 'must look like'],
    ['redis+ring://host:6379', 'must look like'],
    ['redis+cluster://', 'must look like'],
    ['redis+cluster://:hunter2@@host', 'must look like'],
    ['redis://one:6379,two:6379', 'names several servers'],
    ['redis+cluster://one,,two', 'host:port'],
    ['redis+cluster://one:6379, two:6379', 'host:port'],
    ['redis+cluster://one:70000', 'host:port'],
    ['redis+cluster://one:0', 'host:port'],
    ['redis+cluster://redis://one:6379', 'host:port'],
    ['redis+cluster://:hunter%2@one', 'percent-encoded'],
    ['redis+cluster://one/3', 'no numbered databases'],
    ['redis+cluster://one/a/b', 'no numbered databases'],
    ['redis+cluster://one?family=6', 'has options besides'],
    ['redis+sentinel://one', 'must name the primary'],
    ['redis+sentinel://one/main/x', 'must name the primary'],
    ['redis+sentinel://one/main?password=hunter2', 'has options besides'],
  ])('says what is wrong with %s', (url, fault) => {
    expect(() => parseRedisUrl(url)).toThrow(RedisUrlError);
    expect(() => parseRedisUrl(url)).toThrow(fault);
    expect(() => parseRedisUrl(url)).not.toThrow('hunter');
  });
});
