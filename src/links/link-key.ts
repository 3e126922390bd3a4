/** Paths the redirect listener answers itself. */
const RESERVED = new Set(['robots.txt', 'favicon.ico']);
const RESERVED_FIRST_SEGMENTS = new Set(['.well-known']);

const MAX_CHARACTERS = 190;
const MAX_BYTES = 760;
/** In UTF-16 units, as keys are stored: a character has two at most, and İ is two where case is not told apart. */
const MAX_UNITS = 2 * MAX_CHARACTERS;
/** The same of a spelling that NFC makes shorter: it puts together one character of four at most. One slash may follow. */
const MAX_PATH_UNITS = 4 * MAX_UNITS + 1;

// Letters, marks and digits of any script, emoji (skin tones and flags are none by themselves), and what stands in a path
// without being escaped or misread.
const SEGMENT =
  /^(?:[\p{L}\p{M}\p{N}\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Join_Control}\p{Variation_Selector}_.~@!$'()*+,;=:-])+$/u;

type Refusal = { code: string; message: string };

/** The form in which a key is stored and looked up: NFC, and one case where the domain does not distinguish case. */
export function canonicalKey(key: string, caseSensitive: boolean): string {
  const normal = key.normalize('NFC');
  return caseSensitive ? normal : normal.toLowerCase().normalize('NFC');
}

/**
 * The key that a visitor's path asks for; one slash at its end is ignored.
 *
 * @returns undefined for a path that is longer than any key: it is not even normalized
 */
export function keyOfPath(path: string, caseSensitive: boolean): string | undefined {
  if (path.length > MAX_PATH_UNITS) return undefined;
  const key = canonicalKey(path.replace(/\/$/, ''), caseSensitive);
  return key.length > MAX_UNITS ? undefined : key;
}

/**
 * Reads the key of a short link: 1 to 190 characters, segments parted by single slashes.
 *
 * @returns the key in NFC, or why it is refused
 */
export function parseKey(input: string): string | Refusal {
  const key = input.normalize('NFC');
  const characters = [...key].length;
  if (characters < 1 || characters > MAX_CHARACTERS || Buffer.byteLength(key) > MAX_BYTES) {
    return { code: 'key_length', message: `Use 1 to ${MAX_CHARACTERS} characters.` };
  }
  const segments = key.split('/');
  const walks = segments.some((segment) => segment === '.' || segment === '..');
  if (walks || !segments.every((segment) => SEGMENT.test(segment))) {
    return {
      code: 'key_characters',
      message: "Use letters, digits, emoji and -_.~@!$'()*+,;=: with single slashes between them.",
    };
  }
  const lower = key.toLowerCase();
  if (RESERVED.has(lower) || RESERVED_FIRST_SEGMENTS.has(lower.split('/')[0] ?? '')) {
    return { code: 'key_reserved', message: `The key ${key} is reserved.` };
  }
  return key;
}
