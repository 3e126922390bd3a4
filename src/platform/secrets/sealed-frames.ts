import { createCipheriv, createDecipheriv } from 'node:crypto';

const LENGTH_BYTES = 4;
const TAG_BYTES = 16;
const IV_BYTES = 12;
const HEAD_BYTES = LENGTH_BYTES + TAG_BYTES;

/**
 * Frames of a file that is only appended to, each sealed with AES-256-GCM: length of the ciphertext (32 bits, big
 * endian), tag, ciphertext. The n-th frame's nonce is n, so that none can be left out, repeated or moved.
 */
export class FrameSealer {
  private readonly nonce = Buffer.alloc(IV_BYTES);
  private frames = 0;

  /** @param key 32 bytes, of this one file: a second file under the same key would repeat its nonces */
  constructor(private readonly key: Buffer) {}

  seal(bytes: Buffer): Buffer {
    this.nonce.writeUInt32BE(this.frames++, IV_BYTES - 4);
    const cipher = createCipheriv('aes-256-gcm', this.key, this.nonce);
    const sealed = cipher.update(bytes);
    cipher.final();
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head.writeUInt32BE(sealed.length);
    cipher.getAuthTag().copy(head, LENGTH_BYTES);
    return Buffer.concat([head, sealed], HEAD_BYTES + sealed.length);
  }
}

/**
 * The frames up to the first that is not whole. A process or a disk that gave up leaves the last write half done, and
 * what follows a hole can not be trusted.
 */
export function openFrames(key: Buffer, bytes: Buffer): { frames: Buffer[]; torn: boolean } {
  const frames: Buffer[] = [];
  const nonce = Buffer.alloc(IV_BYTES);
  for (let at = 0; at < bytes.length;) {
    nonce.writeUInt32BE(frames.length, IV_BYTES - 4);
    const end = at + HEAD_BYTES + (at + HEAD_BYTES <= bytes.length ? bytes.readUInt32BE(at) : 0);
    const frame = end <= bytes.length ? openFrame(key, nonce, bytes.subarray(at, end)) : undefined;
    if (frame === undefined) return { frames, torn: true };
    frames.push(frame);
    at = end;
  }
  return { frames, torn: false };
}

/** The same where it may be any of these keys: the one that opens the first frame is the file's. */
export function openFramesWithAny(keys: Buffer[], bytes: Buffer): { frames: Buffer[]; torn: boolean } {
  let opened = { frames: [] as Buffer[], torn: bytes.length > 0 };
  for (const key of keys) {
    opened = openFrames(key, bytes);
    if (opened.frames.length > 0) break;
  }
  return opened;
}

/** @returns undefined for a frame that is cut, was changed, or is not of this key or place */
function openFrame(key: Buffer, nonce: Buffer, bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAuthTag(bytes.subarray(LENGTH_BYTES, HEAD_BYTES));
  try {
    const opened = decipher.update(bytes.subarray(HEAD_BYTES));
    decipher.final();
    return opened;
  } catch {
    return undefined;
  }
}
