/** All that is recorded of an event. */
export interface RecordedEvent {
  tenantId: string;
  id: string;
  action: string;
  actor: string;
  targetType: string;
  targetId: string;
  before: object | null;
  after: object | null;
  requestId: string;
  addressPrefix: string | null;
  origin: string | null;
  originCount: string | null;
  occurredAt: Date;
}

/** One text for one content, whatever order its fields came in: the database keeps none. As in RFC 8785. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`;
}

/** What an event's code is made of. */
export function canonicalEvent(event: RecordedEvent): string {
  const { before, after, occurredAt, ...texts } = event;
  return `audit-event\n${canonicalJson({ ...texts, before, after, occurredAt: occurredAt.toISOString() })}`;
}

export interface ChainLink {
  tenantId: string;
  /** From 1, without a gap, in each tenant. */
  seq: number;
  eventId: string;
  mac: Buffer;
  /** The event is older than the chain, and was taken as it was. */
  adopted: boolean;
}

/** Before the first event of a tenant. */
export const NO_HASH: Buffer = Buffer.alloc(0);

/** What a link's hash is made of: its predecessor's hash, its place, and its event by that event's code. */
export const canonicalLink = (previous: Buffer, { tenantId, seq, eventId, mac, adopted }: ChainLink): string =>
  ['audit-chain', previous.toString('hex'), tenantId, seq, eventId, mac.toString('hex'), adopted].join('\n');
