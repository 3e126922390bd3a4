import { TypeID } from 'typeid-js';
import { v7 } from 'uuid';
import { z } from 'zod';

/** Public id prefixes. Inside, ids are UUIDv7; outside, `prefix_` and 26 characters (the TypeID format). */
export type IdPrefix = 'tnt' | 'dom' | 'link' | 'key' | 'mem' | 'idp' | 'evt' | 'dead' | 'clk' | 'tkd' | 'grp';

/** A new id. Ids made later sort later, also within one millisecond of one process. */
export const newId = (): string => v7();

const LAST_DIGITS = 12;

/**
 * The ids of the things that `base`, a UUIDv7, stands for: that of the n-th is the same each time, and no other's.
 *
 * @returns takes n, and the time of that thing in ms since 1970
 */
export function idsFrom(base: string): (n: number, time: number) => string {
  const middle = base.slice('xxxxxxxx-xxxx-'.length, -LAST_DIGITS);
  const first = parseInt(base.slice(-LAST_DIGITS), 16);
  return (n, time) => {
    const stamp = time.toString(16).padStart(12, '0');
    const last = ((first + n) % 16 ** LAST_DIGITS).toString(16).padStart(LAST_DIGITS, '0');
    return `${stamp.slice(0, 8)}-${stamp.slice(8)}-${middle}${last}`;
  };
}

/** When an id was made, to the millisecond: a UUIDv7 begins with that. */
export const timeOfId = (id: string): Date => new Date(parseInt(id.slice(0, 8) + id.slice(9, 13), 16));

/** No id that was made at this time or later sorts before it, and none that was made earlier sorts after. */
export function firstIdOf(time: Date): string {
  const ms = Math.max(0, time.getTime()).toString(16).padStart(12, '0').slice(-12);
  return `${ms.slice(0, 8)}-${ms.slice(8)}-0000-0000-000000000000`;
}

export const toPublicId = (prefix: IdPrefix, uuid: string): string => TypeID.fromUUID(prefix, uuid).toString();

/** Reads a public id into its UUID; refuses other prefixes and anything that is not one. */
export const publicId = (prefix: IdPrefix) =>
  z
    .string()
    .regex(
      new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`),
      `must be an id such as ${prefix}_01h455vb4pex5vsknk084sn02q`,
    )
    .transform((id) => uuidOf(TypeID.fromString(id, prefix)));

/** Whatever its version: what was never given out is not found, and no other kind of error. */
const uuidOf = (id: TypeID<IdPrefix>): string =>
  Buffer.from(id.toUUIDBytes())
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** How a public id is documented in a response. */
export const publicIdText = (prefix: IdPrefix) =>
  z.string().meta({
    description: `A public id: ${prefix}_ and 26 characters`,
    example: `${prefix}_01h455vb4pex5vsknk084sn02q`,
  });

/** Stands for "no tenant" where the platform's operators act. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';
