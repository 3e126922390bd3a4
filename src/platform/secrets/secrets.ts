import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 4;
const MAC_BYTES = 32;

/** Sealed: version, key id, then the data key under the purpose's key (iv, tag, key), then the text under the data key (tag, text). */
const VERSION = 1;
const HEADER_BYTES = 1 + ID_BYTES;
const WRAPPED_BYTES = IV_BYTES + TAG_BYTES + KEY_BYTES;
/** A data key seals one text in its life. */
const ONLY_NONCE = Buffer.alloc(IV_BYTES);

/** One SECRET_KEY, and the keys for one purpose each that derive from it (HKDF-SHA256, RFC 5869). */
class MasterKey {
  readonly id: Buffer;
  private readonly keys = new Map<string, Buffer>();

  constructor(private readonly secretKey: Buffer) {
    this.id = this.key('key-id').subarray(0, ID_BYTES);
  }

  key(purpose: string): Buffer {
    const known = this.keys.get(purpose);
    if (known) return known;
    const key = Buffer.from(hkdfSync('sha256', this.secretKey, '', `waypost/${purpose}`, KEY_BYTES));
    this.keys.set(purpose, key);
    return key;
  }

  keyFor(purpose: string, thing: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.key(purpose), '', thing, KEY_BYTES));
  }
}

/**
 * What derives from the deployment's SECRET_KEY. Everything is written under that; what was written under one of
 * SECRET_KEY_PREVIOUS can still be read.
 */
export class Secrets {
  private readonly current: MasterKey;
  private readonly all: MasterKey[];

  constructor(secretKey: Buffer, previous: Buffer[] = []) {
    this.current = new MasterKey(secretKey);
    this.all = [this.current, ...previous.map((key) => new MasterKey(key))];
  }

  /** Names SECRET_KEY without telling it: 8 hexadecimal digits. */
  get keyId(): string {
    return this.current.id.toString('hex');
  }

  get hasPrevious(): boolean {
    return this.all.length > 1;
  }

  /** 32 bytes for this purpose; the same purpose always gives the same key. */
  key(purpose: string): Buffer {
    return this.current.key(purpose);
  }

  /** 32 bytes for one thing of this purpose, such as a file: derived anew each time. */
  keyFor(purpose: string, thing: string): Buffer {
    return this.current.keyFor(purpose, thing);
  }

  /** The same under each key that may have been in force when the thing was written, the present one first. */
  keysFor(purpose: string, thing: string): Buffer[] {
    return this.all.map((master) => master.keyFor(purpose, thing));
  }

  sign(purpose: string, text: string): Buffer {
    return hmac(this.current.key(purpose), text);
  }

  /** Whether `mac` begins the signature of this text under any key that is accepted. */
  isSigned(purpose: string, text: string, mac: Buffer): boolean {
    return this.all.some((master) => {
      const expected = hmac(master.key(purpose), text).subarray(0, mac.length);
      return expected.length === mac.length && timingSafeEqual(expected, mac);
    });
  }

  /** AES-256-GCM under a data key of its own, which is sealed under the purpose's key: a rotation seals that anew alone. */
  seal(purpose: string, text: string): Buffer {
    const dataKey = randomBytes(KEY_BYTES);
    const sealed = encrypt(dataKey, ONLY_NONCE, Buffer.from(text, 'utf8'));
    return Buffer.concat([this.wrap(purpose, dataKey), sealed]);
  }

  /** @throws Error when the text was sealed under a key that is not known, for another purpose, or was changed */
  open(purpose: string, sealed: Buffer): string {
    const dataKey = this.unwrap(purpose, sealed);
    const opened = dataKey
      ? decrypt(dataKey, ONLY_NONCE, sealed.subarray(HEADER_BYTES + WRAPPED_BYTES))
      : this.openUnnamed(purpose, sealed);
    return opened.toString('utf8');
  }

  /** What begins all that is sealed under SECRET_KEY itself: whatever begins otherwise is to be sealed anew. */
  get header(): Buffer {
    return Buffer.concat([Buffer.of(VERSION), this.current.id]);
  }

  /** The same text under SECRET_KEY. @throws as `open` does */
  reseal(purpose: string, sealed: Buffer): Buffer {
    const dataKey = this.unwrap(purpose, sealed);
    if (!dataKey) return this.seal(purpose, this.openUnnamed(purpose, sealed).toString('utf8'));
    return Buffer.concat([this.wrap(purpose, dataKey), sealed.subarray(HEADER_BYTES + WRAPPED_BYTES)]);
  }

  private wrap(purpose: string, dataKey: Buffer): Buffer {
    const { header } = this;
    const iv = randomBytes(IV_BYTES);
    return Buffer.concat([header, iv, encrypt(this.current.key(purpose), iv, dataKey, header)]);
  }

  /** @returns undefined for what names no key that is known here */
  private unwrap(purpose: string, sealed: Buffer): Buffer | undefined {
    const header = sealed.subarray(0, HEADER_BYTES);
    const master = this.all.find(({ id }) => id.equals(header.subarray(1)));
    if (sealed[0] !== VERSION || !master) return undefined;
    const iv = sealed.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES);
    const wrapped = sealed.subarray(HEADER_BYTES + IV_BYTES, HEADER_BYTES + WRAPPED_BYTES);
    return decrypt(master.key(purpose), iv, wrapped, header);
  }

  /** Before there were key ids, a text was sealed under the purpose's key itself: iv, tag, text. */
  private openUnnamed(purpose: string, sealed: Buffer): Buffer {
    const iv = sealed.subarray(0, IV_BYTES);
    for (const master of this.all) {
      try {
        return decrypt(master.key(purpose), iv, sealed.subarray(IV_BYTES));
      } catch {
        // Not of this one: the last word is below.
      }
    }
    throw new Error(
      'Unable to authenticate: changed, or sealed under a key that is not among SECRET_KEY and SECRET_KEY_PREVIOUS',
    );
  }
}

/** @returns tag and ciphertext */
function encrypt(key: Buffer, iv: Buffer, text: Buffer, header?: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  if (header) cipher.setAAD(header);
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([cipher.getAuthTag(), sealed]);
}

function decrypt(key: Buffer, iv: Buffer, sealed: Buffer, header?: Buffer): Buffer {
  if (iv.length < IV_BYTES || sealed.length < TAG_BYTES) throw new Error('Unable to authenticate: too short');
  const decipher = createDecipheriv('aes-256-gcm', key, iv);
  if (header) decipher.setAAD(header);
  decipher.setAuthTag(sealed.subarray(0, TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(TAG_BYTES)), decipher.final()]);
}

const hmac = (key: Buffer, text: string | Buffer): Buffer => createHmac('sha256', key).update(text).digest();

/** Codes over data that say which key made them: key id, then HMAC-SHA256. */
export class NamedMacs {
  /** @param keys by their ids, of which `currentId` makes new codes */
  constructor(
    private readonly keys: ReadonlyMap<string, Buffer>,
    private readonly currentId: string,
  ) {}

  /** Of the present SECRET_KEY alone: for whoever makes codes and checks none. */
  static current(secrets: Secrets, purpose: string): NamedMacs {
    return new NamedMacs(new Map([[secrets.keyId, secrets.key(purpose)]]), secrets.keyId);
  }

  make(data: string | Buffer): Buffer {
    const key = this.keys.get(this.currentId);
    if (!key) throw new Error('There is no key to make codes with');
    return Buffer.concat([Buffer.from(this.currentId, 'hex'), hmac(key, data)]);
  }

  /** False for one of a key that is not known, too. */
  check(data: string | Buffer, mac: Buffer): boolean {
    const key = this.keys.get(mac.subarray(0, ID_BYTES).toString('hex'));
    if (!key || mac.length !== ID_BYTES + MAC_BYTES) return false;
    return timingSafeEqual(hmac(key, data), mac.subarray(ID_BYTES));
  }
}

export const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Compares secrets of any length in constant time. */
export const sameSecret = (left: string, right: string): boolean => timingSafeEqual(sha256(left), sha256(right));
