import { PassThrough, type Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { OutgoingError } from './outgoing.error.js';

export const ACCEPT_ENCODING = 'gzip, deflate, br';

const DECODERS: Record<string, () => Transform> = {
  '': () => new PassThrough(),
  identity: () => new PassThrough(),
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
};

/**
 * Reads and decompresses a body, and stops at the first byte too many. The bytes that arrive are counted as well as those
 * that come out: compressed data can go on for ever and make nothing.
 *
 * @param encoding of `Content-Encoding`; several on top of each other are refused
 */
export async function readBody(body: Readable, encoding: string, max: number, signal: AbortSignal): Promise<Buffer> {
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding]?.() : undefined;
  if (!decoder) {
    discard(body);
    throw new OutgoingError('bad_encoding', `The body is in ${JSON.stringify(encoding.slice(0, 100))}`);
  }
  const chunks: Buffer[] = [];
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) chunks.push(chunk);
  };
  try {
    await pipeline(body, upTo(max), decoder, upTo(max), collect, { signal });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code.startsWith('Z_') || code.startsWith('ERR_BROTLI') || code.startsWith('ERR__ERROR_FORMAT')) {
      throw new OutgoingError('bad_encoding', `The body is not what ${encoding} gives`, error);
    }
    throw error;
  }
  return Buffer.concat(chunks);
}

/** Ends what nobody will read. That it was ended is an error to the stream, and to nobody else. */
export function discard(body: Readable): void {
  body.once('error', () => undefined).destroy();
}

function upTo(max: number) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > max) throw new OutgoingError('too_large', `The body has more than ${max} bytes`);
      yield chunk;
    }
  };
}
