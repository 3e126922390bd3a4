/** What a MaxMind database holds: https://maxmind.github.io/MaxMind-DB/ */
type Value = string | number | bigint | Value[] | { [key: string]: Value };

const [TEXT, UINT32, MAP] = [2, 6, 7];
const [UINT64, ARRAY] = [9, 11];
const METADATA = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);
const SEPARATOR = Buffer.alloc(16);

/** A database of IPv4 networks, such as `203.0.113.0/24`, and their records: 24-bit records, no pointers. */
export function geoFile(networks: Record<string, Value>): Buffer {
  const records: Buffer[] = [];
  const nodes: Array<[Branch, Branch]> = [[undefined, undefined]];
  for (const [network, record] of Object.entries(networks)) {
    plant(nodes, network, Buffer.concat(records).length);
    records.push(encode(record));
  }
  const tree = Buffer.concat(nodes.flatMap((node) => node.map((branch) => pointer(branch, nodes.length))));
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000n,
    database_type: 'Test-City',
    description: { en: 'A test' },
    ip_version: 4,
    languages: ['en'],
    node_count: nodes.length,
    record_size: 24,
  });
  return Buffer.concat([tree, SEPARATOR, ...records, METADATA, metadata]);
}

/** To another node, or to the record at this place; undefined: nothing is known. */
type Branch = { node: number } | { record: number } | undefined;

function plant(nodes: Array<[Branch, Branch]>, network: string, record: number): void {
  const [address = '', length = ''] = network.split('/');
  const bits = address
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  let node = nodes[0] as [Branch, Branch];
  for (const [depth, bit] of Array.from(bits.slice(0, Number(length))).entries()) {
    const side = Number(bit) as 0 | 1;
    if (depth === Number(length) - 1) return void (node[side] = { record });
    const next = node[side] ?? { node: nodes.push([undefined, undefined]) - 1 };
    node[side] = next;
    node = nodes[(next as { node: number }).node] as [Branch, Branch];
  }
}

function pointer(branch: Branch, nodes: number): Buffer {
  const value =
    branch === undefined ? nodes : 'node' in branch ? branch.node : nodes + SEPARATOR.length + branch.record;
  return Buffer.from([value >> 16, value >> 8, value].map((byte) => byte & 0xff));
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(TEXT, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'number') return Buffer.concat([control(UINT32, 4), unsigned(BigInt(value), 4)]);
  if (typeof value === 'bigint') return Buffer.concat([control(UINT64, 8), unsigned(value, 8)]);
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([control(MAP, entries.length), ...entries.flatMap((entry) => entry.map(encode))]);
}

const unsigned = (value: bigint, bytes: number): Buffer =>
  Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex');

/** Types above 7 are written in a byte of their own. */
function control(type: number, size: number): Buffer {
  if (size >= 29) throw new Error(`${size} is more than this writes`);
  return type > 7 ? Buffer.from([size, type - 7]) : Buffer.from([(type << 5) | size]);
}
