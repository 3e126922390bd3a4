import { describe, expect, it } from '@jest/globals';
import { FrontTable } from './front-table.js';

const entry = (name = ''): { name: string; host: string; path: string } => ({ name, host: '', path: '' });

describe('the front table', () => {
  it('has what was put there last under host and path, and under nothing like them', () => {
    const table = new FrontTable<ReturnType<typeof entry>>();
    const [one, other] = [entry('one'), entry('other')];
    table.put('go.example', '/sale', one);
    table.put('go.example', '/Sale', other);
    expect(table.get('go.example', '/sale')).toBe(one);
    expect(table.get('go.example', '/Sale')).toBe(other);
    for (const [host, path] of [
      ['to.example', '/sale'],
      ['go.example/', 'sale'],
      ['go.exampl', 'e/sale'],
      ['go.example', '/sales'],
      ['', ''],
    ] as const) {
      expect(table.get(host, path)).toBeUndefined();
    }
  });

  it('has nothing any more of what was dropped, however it was asked for', () => {
    const table = new FrontTable<ReturnType<typeof entry>>();
    const [once, twice, never] = [entry(), entry(), entry()];
    table.put('go.example', '/once', once);
    table.put('go.example', '/twice', twice);
    table.put('go.exampl', 'e/twice', twice);
    for (const dropped of [once, twice, never]) table.drop(dropped);
    expect(table.get('go.example', '/once')).toBeUndefined();
    expect(table.get('go.example', '/twice')).toBeUndefined();
    expect(table.get('go.exampl', 'e/twice')).toBeUndefined();
  });

  it('leaves alone who took the slot of what is dropped, and tells apart whoever shares one', () => {
    const table = new FrontTable<ReturnType<typeof entry>>();
    const all = Array.from({ length: 100_000 }, (_, n) => entry(`/${n}`));
    for (const each of all) table.put('go.example', each.name, each);
    const found = all.filter(({ name }) => table.get('go.example', name) !== undefined);
    // As many as there are slots, or nearly: a hash that chose few of them would make the table useless.
    expect(found.length).toBeGreaterThan(12_000);
    expect(found.every((each) => table.get('go.example', each.name) === each)).toBe(true);
    const gone = all.filter((each) => !found.includes(each)).slice(0, 1_000);
    for (const each of gone) table.drop(each);
    expect(found.every((each) => table.get('go.example', each.name) === each)).toBe(true);
  });
});
