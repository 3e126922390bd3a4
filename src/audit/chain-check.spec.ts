import { describe, expect, it } from '@jest/globals';
import { NamedMacs, Secrets } from '../platform/secrets/secrets.js';
import { canonicalEvent, canonicalLink, NO_HASH, type RecordedEvent } from './canonical-event.js';
import { ChainCheck, type FoundLink } from './chain-check.js';
import { canonicalCheckpoint, checkpointText, readCheckpointText } from './checkpoint.js';

const macs = NamedMacs.current(new Secrets(Buffer.alloc(32, 1)), 'audit');

const eventOf = (n: number, given: Partial<RecordedEvent> = {}): RecordedEvent => ({
  tenantId: 't',
  id: `e${n}`,
  action: 'link.created',
  actor: 'a',
  targetType: 'link',
  targetId: `l${n}`,
  before: null,
  after: { n },
  requestId: 'r',
  addressPrefix: null,
  origin: 'o',
  originCount: String(n - 1),
  occurredAt: new Date(n),
  ...given,
});

function chainOf(events: RecordedEvent[], adopted = 0): FoundLink[] {
  let previous = NO_HASH;
  return events.map((event, index) => {
    const mac = macs.make(canonicalEvent(event));
    const link = { tenantId: 't', seq: index + 1, eventId: event.id, mac, adopted: index < adopted };
    previous = macs.make(canonicalLink(previous, link));
    return { ...link, hash: previous, event, checkpoint: null };
  });
}

const events = [1, 2, 3, 4, 5].map((n) => eventOf(n));
const chain = chainOf(events);

function firstBreak(links: FoundLink[], start = { seq: 0, hash: NO_HASH }) {
  const check = new ChainCheck(macs, start);
  for (const link of links) {
    const found = check.next(link);
    if (found) return `${found.fault} at ${found.sequence}`;
  }
  return 'intact';
}

const withLink = (seq: number, change: (link: FoundLink) => Partial<FoundLink>): FoundLink[] =>
  chain.map((link) => (link.seq === seq ? { ...link, ...change(link) } : link));
const [, second, third] = chain as [FoundLink, FoundLink, FoundLink];

describe('ChainCheck', () => {
  it('finds nothing wrong with a chain as it was made', () => expect(firstBreak(chain)).toBe('intact'));

  it('finds nothing wrong from its middle on', () => {
    expect(firstBreak(chain.slice(2), { seq: 2, hash: second.hash })).toBe('intact');
  });

  it.each<[string, FoundLink[], string]>([
    ['an event that was changed', withLink(3, ({ event }) => ({ event: { ...event, actor: 'x' } as RecordedEvent })), 'changed at 3'],
    ['an event that was deleted', withLink(3, () => ({ event: null })), 'missing at 3'],
    ['a link that was deleted', chain.filter(({ seq }) => seq !== 3), 'missing at 3'],
    ['links that changed places', [...chain.slice(0, 1), { ...third, seq: 2 }, { ...second, seq: 3 }, ...chain.slice(3)], 'reordered at 2'],
    ['an event that was put in', withLink(3, () => ({ event: eventOf(9), eventId: 'e9' })), 'changed at 3'],
    ['a link that is there twice', withLink(4, () => ({ ...third, seq: 4 })), 'reordered at 4'],
    ['a hash that was changed', withLink(3, () => ({ hash: second.hash })), 'reordered at 3'],
    ['a checkpoint of another chain', withLink(3, ({ hash }) => ({ checkpoint: { tenantId: 't', seq: 3, hash: second.hash, madeAt: new Date(0), signature: hash } })), 'rewritten at 3'],
    ['a checkpoint that nobody signed', withLink(3, ({ hash }) => ({ checkpoint: { tenantId: 't', seq: 3, hash, madeAt: new Date(0), signature: hash } })), 'rewritten at 3'],
  ])('finds %s', (_what, links, found) => expect(firstBreak(links)).toBe(found)); // prettier-ignore

  it('finds an event that was deleted before it was chained, by what later ones of its process say', () => {
    expect(firstBreak(chainOf(events.filter(({ id }) => id !== 'e3')))).toBe('missing at 3');
  });

  it('does not mind processes that record at the same time, nor transactions that end later than they began', () => {
    const others = [1, 2].map((n) => eventOf(n, { id: `p${n}`, origin: 'p' }));
    const late = eventOf(6, { id: 'late', originCount: '1' });
    expect(firstBreak(chainOf([...events.slice(0, 2), ...others, ...events.slice(2), late]))).toBe('intact');
  });

  it('takes events without a code of their own at the beginning alone', () => {
    const old = [1, 2].map((n) => eventOf(n, { id: `old${n}`, origin: null, originCount: null }));
    expect(firstBreak(chainOf([...old, ...events], 2))).toBe('intact');
    const links = chainOf([...old, ...events], 2);
    let previous = links[2]?.hash ?? NO_HASH;
    const forged = links.slice(3).map((link) => {
      const adopted = { ...link, adopted: true };
      previous = macs.make(canonicalLink(previous, adopted));
      return { ...adopted, hash: previous };
    });
    expect(firstBreak([...links.slice(0, 3), ...forged])).toBe('inserted at 4');
  });

  it('has no use for a chain made with another key', () => {
    const other = NamedMacs.current(new Secrets(Buffer.alloc(32, 2)), 'audit');
    const check = new ChainCheck(other, { seq: 0, hash: NO_HASH });
    expect(check.next(chain[0] as FoundLink)?.fault).toBe('changed');
  });
});

describe('a checkpoint', () => {
  const made = { tenantId: 't', seq: 7, hash: second.hash, madeAt: new Date(1_700_000_000_000) };
  const signed = { ...made, signature: macs.make(canonicalCheckpoint(made)) };

  it('is what it was after it stood in a log', () => {
    expect(readCheckpointText('t', checkpointText(signed))).toEqual(signed);
  });
  it('is of one tenant', () => {
    const read = readCheckpointText('other', checkpointText(signed));
    expect(read && macs.check(canonicalCheckpoint(read), read.signature)).toBe(false);
  });
  it.each(['', 'x', '1.2.3', '0.1.aa.bb', '1.99999999999999999.aa.bb', '1.1.a+.bb'])('is not %j', (text) => {
    expect(readCheckpointText('t', text)).toBeUndefined();
  });
});
