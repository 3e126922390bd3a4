import { domainToASCII } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { suspicionOf } from './suspicious-host.js';

const of = (host: string): string | undefined => suspicionOf(domainToASCII(host));

describe('suspicionOf', () => {
  it.each([
    'example.com',
    'bücher.example',
    'пример.com',
    'президент.рф',
    'почта.ru',
    'сор.ru',
    'παράδειγμα.gr',
    '例え.jp',
    'tシャツ.jp',
    '한국-news.kr',
    'ｅｘａｍｐｌｅ.com',
    'مثال.com',
    '123.рф',
  ])('has nothing against %s', (host) => expect(of(host)).toBeUndefined());

  it.each(['pаypal.com', 'аpple.com', 'gοοgle.com', 'shop.pаypal.com', 'ƽрорт.example', 'ᏚᎪᏙᎬ.com'])(
    'finds that %s mixes scripts, or has one that is not in use',
    (host) => expect(of(host)).toBe('mixed_script_host'),
  );

  it.each(['аррӏе.com', 'сосо.com', 'www.ѕсоре.com', 'рау-1.example', 'ноо.аррӏе.co.uk', 'νικ.com', 'օս.com'])(
    'finds that %s looks like another name',
    (host) => expect(of(host)).toBe('lookalike_host'),
  );
});
