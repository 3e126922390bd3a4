import { describe, expect, it } from '@jest/globals';
import { Passwords } from './passwords.js';

const passwords = new Passwords();
/** Of `phc-winner-argon2` for "password" and "somesalt": another program's form is read. */
const REFERENCE = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

describe('Passwords', () => {
  it('knows the right one, and no other', async () => {
    const stored = await passwords.hash('correct horse');
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(await passwords.verify('correct horse', stored)).toBe(true);
    expect(await passwords.verify('Correct horse', stored)).toBe(false);
    expect(await passwords.verify('', stored)).toBe(false);
  });

  it('never makes the same of the same', async () => {
    expect(await passwords.hash('x')).not.toBe(await passwords.hash('x'));
  });

  it('takes a letter for the same however it is composed', async () => {
    expect(await passwords.verify('cafe\u0301', await passwords.hash('caf\u00e9'))).toBe(true);
  });

  it('reads the form of other programs, and says that it is outdated', async () => {
    expect(await passwords.verify('password', REFERENCE)).toBe(true);
    expect(passwords.isOutdated(REFERENCE)).toBe(true);
    expect(passwords.isOutdated(await passwords.hash('x'))).toBe(false);
  });

  it.each([
    '',
    'plain',
    REFERENCE.replace('argon2id', 'argon2i'),
    REFERENCE.replace('m=65536', 'm=9999999'),
    REFERENCE.replace('t=2', 't=99'),
    REFERENCE.replace('p=1', 'p=0'),
  ])('refuses %j', async (form) => {
    await expect(passwords.verify('password', form)).rejects.toThrow('This is no argon2id hash');
  });

  it('turns away what would queue for too long, and works on', async () => {
    const cheap = '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$' + 'A'.repeat(43);
    const asked = await Promise.allSettled(Array.from({ length: 80 }, () => passwords.verify('x', cheap)));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(66);
    expect(await passwords.verify('x', cheap)).toBe(false);
  });
});
