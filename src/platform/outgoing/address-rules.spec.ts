import { describe, expect, it } from '@jest/globals';
import { judgeAddress, type Network, parseNetwork } from './address-rules.js';

const networks = (...texts: string[]): Network[] => texts.map((text) => parseNetwork(text) as Network);

describe('judgeAddress', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:200::1',
    '2606:4700:4700::1111',
    '2a00:1450:4001:80b::200e',
  ])('takes %s for public', (address) => expect(judgeAddress(address, [])).toBe('public'));

  it.each([
    // Nobody in particular, this machine
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '127.255.255.255',
    '::',
    '::1',
    // The private networks, and those of carriers
    '10.0.0.0',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '192.168.255.255',
    '100.64.0.0',
    '100.127.255.255',
    'fc00::1',
    'fd12:3456:789a::1',
    'fdff:ffff::1',
    'fec0::1',
    // The link, clouds' metadata
    '169.254.0.1',
    '169.254.169.254',
    '169.254.170.2',
    'fe80::1',
    'febf::1',
    'fe80::1%eth0',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    // Protocols, documentation, measurements, what is reserved
    '192.0.0.1',
    '192.0.2.1',
    '198.51.100.7',
    '203.0.113.9',
    '198.18.0.1',
    '198.19.255.255',
    '192.88.99.1',
    '192.31.196.1',
    '192.52.193.1',
    '192.175.48.1',
    '240.0.0.1',
    '255.255.255.255',
    '224.0.0.1',
    '239.255.255.250',
    '2001:db8::1',
    '3fff::1',
    '2001:2::1',
    '2001:10::1',
    '2001:20::1',
    '100::1',
    '5f00::1',
    'ff02::1',
    'ff0e::1',
    // IPv4 in IPv6: mapped, compatible, translated, 6to4, Teredo, NAT64 well-known and local
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '::7f00:1',
    '::8.8.8.8',
    '::ffff:0:8.8.8.8',
    '2002:7f00:1::1',
    '2002:808:808::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '64:ff9b::7f00:1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::a00:1',
    '64:ff9b:1:ffff::1',
    // Given to nobody yet
    '4000::1',
    '8000::1',
    'e000::1',
    // No address
    '',
    'localhost',
    '127.1.2',
    '1.2.3.4.5',
    '[::1]',
    ':::',
    '256.1.1.1',
  ])('refuses %s', (address) => expect(judgeAddress(address, [])).toBe('refused'));

  it('opens what the operator opens and no more', () => {
    const opened = networks('10.1.0.0/16', 'fd00:1::/32', '127.0.0.1/32');
    expect(judgeAddress('10.1.255.255', opened)).toBe('opened');
    expect(judgeAddress('fd00:1::5', opened)).toBe('opened');
    expect(judgeAddress('10.2.0.0', opened)).toBe('refused');
    expect(judgeAddress('127.0.0.2', opened)).toBe('refused');
    expect(judgeAddress('::ffff:10.1.0.1', opened)).toBe('refused');
  });

  it.each(['169.254.169.254', '168.63.129.16', 'fd00:ec2::254'])(
    'never opens %s, where machines keep secrets',
    (address) => expect(judgeAddress(address, networks('0.0.0.0/0', '::/0'))).toBe('refused'),
  );
});

describe('parseNetwork', () => {
  it.each(['10.0.0.0/8', '127.0.0.1/32', '0.0.0.0/0', '::1/128', 'fd00::/8'])('takes %s', (text) =>
    expect(parseNetwork(text)).toBeDefined(),
  );
  it.each([
    '10.0.0.0',
    '10.0.0.1/8',
    '010.0.0.0/8',
    '10.0.0.0/33',
    '10/8',
    '0x0a.0.0.0/8',
    'fd00::1/8',
    'fe80::%1/64',
    '::/129',
    'a/8',
    '',
  ])('refuses %s', (text) => expect(parseNetwork(text)).toBeUndefined());
});
