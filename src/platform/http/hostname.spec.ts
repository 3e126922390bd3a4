import { describe, expect, it } from '@jest/globals';
import { displayHostname, isLocal, parseHostname } from './hostname.js';

describe('parseHostname', () => {
  it.each([
    ['Go.Example.COM', 'go.example.com'],
    ['go.example.com.', 'go.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['localhost:8080', 'localhost:8080'],
    ['acme.localhost:8080', 'acme.localhost:8080'],
    ['localhost', 'localhost'],
  ])('reads %s', (input, hostname) => expect(parseHostname(input)).toBe(hostname));

  it.each([
    '',
    'example',
    'https://go.example.com',
    'go.example.com/x',
    'go.example.com:8443',
    '127.0.0.1',
    '[::1]',
    '0x7f.1',
    '1.2.3',
    '-a.example',
    'a..example',
    'a b.example',
    'user@go.example',
    `${'a'.repeat(64)}.example`,
    'evil.com\r\nx: y',
  ])('refuses %j', (input) => expect(parseHostname(input)).toBeUndefined());
});

describe('isLocal', () => {
  it.each(['localhost', 'localhost:80', 'a.localhost'])('knows %s', (name) => expect(isLocal(name)).toBe(true));
  it.each(['localhost.example.com', 'notlocalhost', 'localhost.'])('does not take %s', (name) =>
    expect(isLocal(name)).toBe(false),
  );
});

describe('displayHostname', () => {
  it('shows the form for people, with its port', () => {
    expect(displayHostname('xn--bcher-kva.example')).toBe('bücher.example');
    expect(displayHostname('localhost:8080')).toBe('localhost:8080');
  });
});
