import { describe, expect, it } from '@jest/globals';
import { languageOf, referrerHostOf } from './visit-headers.js';

describe('languageOf', () => {
  it.each([
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['en;q=0.5, FR;q=0.7', 'fr'],
    ['zh-Hant-TW', 'zh'],
    ['*, sv;q=0.1', 'sv'],
    ['en;q=0, da', 'da'],
    ['fil', 'fil'],
    ['*', undefined],
    ['en;q=nothing', undefined],
    ['1234', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j is %j', (header, language) => expect(languageOf(header)).toBe(language));
});

describe('referrerHostOf', () => {
  it.each([
    ['https://News.Example.com:8443/a?b#c', 'news.example.com'],
    ['https://bücher.example/', 'xn--bcher-kva.example'],
    ['android-app://com.example.mail/', 'com.example.mail'],
    ['about:blank', undefined],
    ['not a url', undefined],
    [`https://${'a'.repeat(300)}.example/`, undefined],
    [undefined, undefined],
  ])('of %j is %j', (referrer, host) => expect(referrerHostOf(referrer)).toBe(host));
});
