import { stringify } from 'uuid';

/** In bytes. Grows when it must; most turns of the event loop have fewer. */
const FIRST_SIZE = 16_384;
const MAX_NUMBER_BYTES = 8;
const MAX_UTF8_BYTES = 3;
const UUID_BYTES = 16;
const TIME_BYTES = 6;

/** Bytes one after the other. A number takes seven bits of each byte, the lowest first, as LEB128 has it. */
export class ByteWriter {
  private bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
  length = 0;

  /** @param value whole, 0 to 2^53 - 1 */
  number(value: number): void {
    this.reserve(MAX_NUMBER_BYTES);
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.bytes[this.length++] = (rest % 128) + 128;
    this.bytes[this.length++] = rest;
  }

  text(value: string): void {
    this.reserve(value.length * MAX_UTF8_BYTES + MAX_NUMBER_BYTES);
    this.number(Buffer.byteLength(value));
    this.length += this.bytes.write(value, this.length);
  }

  /** @throws for what is none; the `parse` of uuid takes ten times as long, and this runs for redirects */
  uuid(value: string): void {
    this.reserve(UUID_BYTES);
    const written = this.bytes.write(value.replaceAll('-', ''), this.length, UUID_BYTES, 'hex');
    if (written < UUID_BYTES) throw new TypeError(`${value} is no UUID`);
    this.length += UUID_BYTES;
  }

  /** @param value in ms since 1970 */
  time(value: number): void {
    this.reserve(TIME_BYTES);
    this.length = this.bytes.writeUIntBE(value, this.length, TIME_BYTES);
  }

  /** @returns what was written since the last */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * (this.bytes.length + more));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

/** Reads what a ByteWriter wrote. */
export class ByteReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get ended(): boolean {
    return this.at === this.bytes.length;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes.readUInt8(this.at++);
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }

  text(): string {
    return this.next(this.number()).toString();
  }

  uuid(): string {
    return stringify(this.next(UUID_BYTES));
  }

  time(): number {
    return this.next(TIME_BYTES).readUIntBE(0, TIME_BYTES);
  }

  private next(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError('There are fewer bytes than it says');
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
}
