import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { bulkhead } from 'cockatiel';

const derive = promisify(argon2);

/** OWASP's and RFC 9106's second recommendation for where memory is dear: 19 MiB, two passes, one lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 };
/** What a stored hash may ask of us: it may come from a database that somebody else can write. */
const MOST = { memory: 262_144, passes: 10, parallelism: 4 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** Each takes a thread and 19 MiB for some 30 ms. What exceeds the queue is turned away with an error. */
const AT_ONCE = 2;
const QUEUED = 64;

const STORED =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

interface Stored {
  memory: number;
  passes: number;
  parallelism: number;
  salt: Buffer;
  tag: Buffer;
}

/** Passwords of people, as argon2id (RFC 9106) in the PHC form: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
export class Passwords {
  private readonly turns = bulkhead(AT_ONCE, QUEUED);

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const { memory, passes, parallelism } = COST;
    const tag = await this.tag(password, { ...COST, salt, tag: Buffer.alloc(TAG_BYTES) });
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${inForm(salt)}$${inForm(tag)}`;
  }

  /**
   * In the same time whether it is right or not.
   *
   * @throws Error for a form that is not ours, and BulkheadRejectedError when too many ask at once
   */
  async verify(password: string, form: string): Promise<boolean> {
    const stored = read(form);
    return timingSafeEqual(await this.tag(password, stored), stored.tag);
  }

  /** Whether it was made at another cost than is asked for now: then hash it anew when it is next given. */
  isOutdated(form: string): boolean {
    const { memory, passes, parallelism } = read(form);
    return memory !== COST.memory || passes !== COST.passes || parallelism !== COST.parallelism;
  }

  private tag(password: string, { salt, tag, ...cost }: Stored): Promise<Buffer> {
    const message = Buffer.from(password.normalize('NFC'), 'utf8');
    return this.turns.execute(() => derive('argon2id', { message, nonce: salt, ...cost, tagLength: tag.length }));
  }
}

function read(form: string): Stored {
  const [, memory, passes, parallelism, salt = '', tag = ''] = STORED.exec(form) ?? [];
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const fits = (name: keyof typeof MOST): boolean => cost[name] >= 1 && cost[name] <= MOST[name];
  if (!fits('memory') || !fits('passes') || !fits('parallelism')) throw new Error('This is no argon2id hash');
  return { ...cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
}

/** Base64 without padding, as the form has it. */
const inForm = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
