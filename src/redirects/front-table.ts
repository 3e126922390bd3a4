/** A power of two. Past so many names in demand at once, some go the longer way. */
const SLOTS = 16_384;
/** Characters of the path that choose its slot, from its end: generated keys differ there, and so do most chosen ones. */
const CHOOSING = 8;

/** What can be in front: as what it was asked for last. */
interface Fronted {
  host: string;
  path: string;
}

/**
 * The way to an entry from host and path as a request has them, each in its own string: without joining them, and without
 * V8's making the name of each request unique among all strings of the process, as it does to look one up in a Map. A name
 * has one slot, and whoever was asked for last of a slot's names has it; all that is here is elsewhere, too.
 */
export class FrontTable<E extends Fronted> {
  private readonly slots: Array<E | undefined> = Array.from({ length: SLOTS });
  private host = '';

  get(host: string, path: string): E | undefined {
    const entry = this.slots[slotOf(host, path)];
    return entry && entry.path === path && entry.host === host ? entry : undefined;
  }

  put(host: string, path: string, entry: E): void {
    // One string for all of a host: each request brings one of its own.
    if (this.host !== host) this.host = host;
    entry.host = this.host;
    entry.path = path;
    this.slots[slotOf(host, path)] = entry;
  }

  drop(entry: E): void {
    const slot = slotOf(entry.host, entry.path);
    if (this.slots[slot] === entry) this.slots[slot] = undefined;
  }
}

function slotOf(host: string, path: string): number {
  let mixed = host.length;
  for (let at = Math.max(0, path.length - CHOOSING); at < path.length; at++) {
    mixed = (Math.imul(mixed, 31) + path.charCodeAt(at)) | 0;
  }
  // Else the last characters alone would choose.
  return (mixed ^ (mixed >>> 15)) & (SLOTS - 1);
}
