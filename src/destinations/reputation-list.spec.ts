import { describe, expect, it } from '@jest/globals';
import { ReputationList } from './reputation-list.js';

const listOf = (text: string): ReputationList => {
  const list = new ReputationList();
  for (const line of text.split('\n')) list.add(line);
  return list;
};
const lists = (text: string, url: string): boolean => listOf(text).lists(new URL(url));

const CSV = `################
# abuse.ch URLhaus Database Dump (CSV)
# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter
"3001","2026-11-23 12:00:00","http://198.51.100.7:8080/bin.sh","online","","malware_download","elf,mirai","https://urlhaus.abuse.ch/url/3001/","someone"
"3002","2026-11-23 12:00:01","https://Files.Evil.example/a%20b?id=1","offline","","malware_download","","https://urlhaus.abuse.ch/url/3002/","someone"\r`;

describe('a reputation list', () => {
  it.each([
    [CSV, 'http://198.51.100.7:8080/bin.sh'],
    [CSV, 'https://198.51.100.7:8080/bin.sh'],
    [CSV, 'http://files.evil.example/a b?id=1#part'],
    ['http://evil.example/x', 'http://evil.example/x'],
    ['http://evil.example/x', 'http://evil.example./x'],
    ['http://evil.example/x', 'http://evil.example/%78'],
    ['http://evil.example/%78', 'http://evil.example/x'],
    ['http://evil.example/caf%C3%A9', 'http://evil.example/caf%c3%a9'],
    ['evil.example', 'https://evil.example/anything'],
    ['evil.example', 'https://deep.EVIL.example.:444/'],
    ['bücher.example', 'https://xn--bcher-kva.example/'],
    ['127.0.0.1\tevil.example', 'https://evil.example/'],
    ['0.0.0.0 evil.example # why', 'https://evil.example/'],
    ['198.51.100.7', 'http://198.51.100.7/'],
  ])('%#: lists %s: %s', (text, url) => expect(lists(text, url)).toBe(true));

  it.each([
    [CSV, 'http://198.51.100.7:8080/'],
    [CSV, 'http://198.51.100.7/bin.sh'],
    [CSV, 'https://urlhaus.abuse.ch/url/3001/'],
    ['http://evil.example/x', 'http://evil.example/y'],
    ['http://evil.example/x', 'http://evil.example:8080/x'],
    ['http://evil.example/a/b', 'http://evil.example/a%2Fb'],
    ['evil.example', 'https://notevil.example/'],
    ['# evil.example', 'https://evil.example/'],
    ['127.0.0.1 localhost', 'http://localhost/'],
    ['', 'https://example.com/'],
  ])('%#: does not list, by %s: %s', (text, url) => expect(lists(text, url)).toBe(false));

  it('counts what it has', () => {
    expect(listOf(CSV).size).toBe(2);
    expect(listOf('a.example\nb.example\na.example\n\n# c.example\nnot a host').size).toBe(2);
  });
});
