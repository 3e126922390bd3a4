import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Keys for one purpose each, derived from the deployment's SECRET_KEY (HKDF-SHA256, RFC 5869). */
export class Secrets {
  private readonly keys = new Map<string, Buffer>();

  constructor(private readonly secretKey: Buffer) {}

  /** 32 bytes for this purpose; the same purpose always gives the same key. */
  key(purpose: string): Buffer {
    const known = this.keys.get(purpose);
    if (known) return known;
    const key = Buffer.from(hkdfSync('sha256', this.secretKey, '', `waypost/${purpose}`, KEY_BYTES));
    this.keys.set(purpose, key);
    return key;
  }

  /** 32 bytes for one thing of this purpose, such as a file: derived anew each time. */
  keyFor(purpose: string, thing: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.key(purpose), '', thing, KEY_BYTES));
  }

  sign(purpose: string, text: string): Buffer {
    return createHmac('sha256', this.key(purpose)).update(text).digest();
  }

  /** AES-256-GCM; the result is iv | tag | ciphertext. */
  seal(purpose: string, text: string): Buffer {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key(purpose), iv);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
  }

  /** @throws Error when the text was sealed under another key, for another purpose, or was changed */
  open(purpose: string, sealed: Buffer): string {
    const decipher = createDecipheriv('aes-256-gcm', this.key(purpose), sealed.subarray(0, IV_BYTES));
    decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
  }
}

export const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares secrets of any length in constant time. */
export const sameSecret = (left: string, right: string): boolean => timingSafeEqual(sha256(left), sha256(right));
