const ESCAPED = /%[0-9a-f]{2}/gi;
/** RFC 3986, section 2.3: escaped or not, these are the same to every reader. */
const UNRESERVED = /[\w.~-]/;
const VISIBLE = /[!-~]/;

/** The host of a URL without brackets, and without the dots at its end that DNS takes for nothing. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$|\.+$/g, '');

/** A text of a URL in the one form that RFC 3986, section 6.2.2, has for all its spellings. */
export const withoutNeedlessEscapes = (text: string): string => unescaped(text, UNRESERVED);

/** The same with all that is ASCII unescaped: what a careless server makes of it. */
export const withoutEscapes = (text: string): string => unescaped(text, VISIBLE);

function unescaped(text: string, plain: RegExp): string {
  if (!text.includes('%')) return text;
  return text.replace(ESCAPED, (escape) => {
    const character = String.fromCharCode(parseInt(escape.slice(1), 16));
    return plain.test(character) ? character : escape.toUpperCase();
  });
}
