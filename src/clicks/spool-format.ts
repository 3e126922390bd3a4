import { crc32 } from 'node:zlib';
import type { Click } from './click.js';

const CHECKSUM_CHARACTERS = 8;

const checksum = (json: string): string => crc32(json).toString(16).padStart(CHECKSUM_CHARACTERS, '0');

/** A click as a line of a segment: CRC-32 in hexadecimal, a space, JSON. */
export function encodeClick(click: Click): string {
  const json = JSON.stringify(click);
  return `${checksum(json)} ${json}\n`;
}

/**
 * The clicks of a segment up to its first line that is not whole: a process or a disk that gave up left the last write
 * half done, and what follows a hole can not be trusted.
 */
export function decodeSegment(text: string): { clicks: Click[]; torn: boolean } {
  const clicks: Click[] = [];
  const lines = text.split('\n');
  const tail = lines.pop();
  for (const line of lines) {
    const json = line.slice(CHECKSUM_CHARACTERS + 1);
    if (line.slice(0, CHECKSUM_CHARACTERS) !== checksum(json)) return { clicks, torn: true };
    clicks.push(JSON.parse(json) as Click);
  }
  return { clicks, torn: tail !== '' };
}
