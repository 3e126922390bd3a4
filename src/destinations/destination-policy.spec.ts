import { describe, expect, it } from '@jest/globals';
import { CompiledPolicy, type DestinationRules, fitsGlob, NO_POLICY } from './destination-policy.js';

const rules = (given: Partial<DestinationRules>): DestinationRules => ({ ...NO_POLICY.deny, ...given });
const denying = (given: Partial<DestinationRules>, url: string) =>
  new CompiledPolicy({ ...NO_POLICY, deny: rules(given) }).refusalOf(new URL(url));
const allowing = (given: Partial<DestinationRules>, url: string) =>
  new CompiledPolicy({ ...NO_POLICY, allow: rules(given) }).refusalOf(new URL(url));

describe('a policy', () => {
  it('that says nothing refuses nothing', () => {
    for (const url of ['https://example.com/', 'http://127.0.0.1/', 'https://xn--pypal-4ve.com/']) {
      expect(new CompiledPolicy(NO_POLICY).refusalOf(new URL(url))).toBeUndefined();
    }
  });

  const denied: Array<[Partial<DestinationRules>, string]> = [
    [{ domains: ['evil.example'] }, 'https://evil.example/x'],
    [{ domains: ['evil.example'] }, 'https://deep.down.EVIL.example./x'],
    [{ domains: ['evil.example'] }, 'https://evil.example:8443/'],
    [{ tlds: ['zip'] }, 'https://report.zip/'],
    [{ tlds: ['co.uk'] }, 'https://shop.co.uk/'],
    [{ networks: ['10.0.0.0/8'] }, 'http://10.1.2.3/'],
    [{ networks: ['10.0.0.0/8'] }, 'http://0x0a010203/'],
    [{ networks: ['10.0.0.0/8'] }, 'http://[::ffff:10.1.2.3]/'],
    [{ networks: ['fd00::/8'] }, 'http://[fd00::1]:8080/'],
    [{ networks: ['0.0.0.0/0', '::/0'] }, 'http://[2606:4700::1111]/'],
    [{ patterns: ['*/wp-login.php*'] }, 'https://blog.example/wp-LOGIN.php?x=1'],
    [{ patterns: ['*.blob.example/*'] }, 'https://a.blob.example/x'],
    [{ patterns: ['10.*'] }, 'http://10.1.2.3/x'],
    [{ patterns: ['*/login*'] }, 'https://evil.example/l%6Fgin'],
    [{ patterns: ['*/login*'] }, 'https://evil.example/a%2Flogin'],
    [{ patterns: ['*/l%6fgin*'] }, 'https://evil.example/login'],
    [{ patterns: ['*/a%2fb*'] }, 'https://evil.example/a%2Fb'],
    [{ domains: ['evil.example'] }, 'https://evil.example../'],
  ];
  it.each(denied)('that denies %j refuses %s', (given, url) => expect(denying(given, url)).toBe('destination_denied'));

  const passed: Array<[Partial<DestinationRules>, string]> = [
    [{ domains: ['evil.example'] }, 'https://notevil.example/'],
    [{ domains: ['evil.example'] }, 'https://evil.example.com/'],
    [{ tlds: ['zip'] }, 'https://zip.example/'],
    [{ networks: ['10.0.0.0/8'] }, 'http://11.0.0.1/'],
    [{ networks: ['10.0.0.0/8'] }, 'https://10.example/'],
    [{ domains: ['0.1'] }, 'http://10.0.0.1/'],
    [{ patterns: ['evil'] }, 'https://evil.example/evil'],
  ];
  it.each(passed)('that denies %j lets %s pass', (given, url) => expect(denying(given, url)).toBeUndefined());

  it('that allows something refuses everything else', () => {
    expect(allowing({ domains: ['example.com'] }, 'https://www.example.com/')).toBeUndefined();
    expect(allowing({ domains: ['example.com'] }, 'https://example.org/')).toBe('destination_not_allowed');
    expect(allowing({ networks: ['10.0.0.0/8'] }, 'https://example.org/')).toBe('destination_not_allowed');
    expect(allowing({ patterns: ['example.org/a/*'] }, 'https://example.org/%61/b')).toBeUndefined();
    expect(allowing({ patterns: ['example.org/a/*'] }, 'https://example.org/a%2Fb')).toBe('destination_not_allowed');
  });

  it('refuses what it denies though it allows it', () => {
    const policy = new CompiledPolicy({
      ...NO_POLICY,
      allow: rules({ tlds: ['com'] }),
      deny: rules({ domains: ['evil.com'] }),
    });
    expect(policy.refusalOf(new URL('https://evil.com/'))).toBe('destination_denied');
    expect(policy.refusalOf(new URL('https://good.com/'))).toBeUndefined();
  });

  it('refuses suspicious hosts when told to', () => {
    const policy = new CompiledPolicy({ ...NO_POLICY, suspiciousHosts: 'refuse' });
    expect(policy.refusalOf(new URL('https://pаypal.com/'))).toBe('suspicious_host');
    expect(policy.refusalOf(new URL('https://bücher.example/'))).toBeUndefined();
  });
});

describe('fitsGlob', () => {
  it.each([
    ['abc', 'abc', true],
    ['abc', 'ab', false],
    ['abc', '*', true],
    ['abc', 'a*c', true],
    ['ac', 'a*c', true],
    ['aba', 'ab*ba', false],
    ['abXcdYef', 'ab*cd*ef', true],
    ['abXcYef', 'ab*cd*ef', false],
    ['abcdef', '*cd*', true],
    ['abcabc', '*abc', true],
    ['a.b', 'a?b', false],
  ])('%s, %s: %s', (text, pattern, fits) => expect(fitsGlob(text, pattern)).toBe(fits));

  it('takes no longer for a pattern made to be slow', () => {
    const started = performance.now();
    expect(fitsGlob('a'.repeat(8_000), `${'*a'.repeat(90)}*b`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
