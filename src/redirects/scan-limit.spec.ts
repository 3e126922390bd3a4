import { describe, expect, it } from '@jest/globals';
import { ScanLimit } from './scan-limit.js';

const clock = { ms: 0 };
const limit = (more: Partial<ConstructorParameters<typeof ScanLimit>[0]> = {}): ScanLimit => {
  clock.ms = 0;
  return new ScanLimit({ burst: 3, perSecond: 0.5, ...more }, () => clock.ms);
};
const charge = (scans: ScanLimit, times: number, client = 'a'): void => {
  for (let n = 0; n < times; n++) scans.charge(client);
};

describe('ScanLimit', () => {
  it('lets a client ask for a burst of unknown names, and then for as many as come back', () => {
    const scans = limit();
    charge(scans, 2);
    expect(scans.wait('a')).toBe(0);
    charge(scans, 1);
    expect(scans.wait('a')).toBe(2);
    clock.ms = 1_999;
    expect(scans.wait('a')).toBe(1);
    clock.ms = 2_000;
    expect(scans.wait('a')).toBe(0);
    charge(scans, 1);
    expect(scans.wait('a')).toBe(2);
  });

  it('has each client for itself', () => {
    const scans = limit();
    charge(scans, 3);
    expect(scans.wait('a')).toBe(2);
    expect(scans.wait('b')).toBe(0);
  });

  it('saves up no more than the burst', () => {
    const scans = limit();
    charge(scans, 3);
    clock.ms = 3_600_000;
    charge(scans, 3);
    expect(scans.wait('a')).toBe(2);
  });

  it('has what was under way at the same time paid for afterwards', () => {
    const scans = limit();
    charge(scans, 13);
    expect(scans.wait('a')).toBe(22);
    clock.ms = 22_000;
    expect(scans.wait('a')).toBe(0);
  });

  it('charges nobody for being refused', () => {
    const scans = limit();
    charge(scans, 3);
    for (let n = 0; n < 10; n++) scans.wait('a');
    clock.ms = 2_000;
    expect(scans.wait('a')).toBe(0);
  });

  it('forgets the client not seen for longest when there are too many', () => {
    const scans = limit({ clients: 2 });
    for (const client of ['a', 'b']) charge(scans, 3, client);
    scans.wait('a');
    charge(scans, 3, 'c');
    expect(['a', 'b', 'c'].map((client) => scans.wait(client))).toEqual([2, 0, 2]);
  });

  it.each([{ burst: 0 }, { perSecond: 0 }])('limits nobody with %j', (off) => {
    const scans = limit(off);
    charge(scans, 1_000);
    expect(scans.wait('a')).toBe(0);
  });
});
