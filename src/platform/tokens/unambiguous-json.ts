const MARKS = /"(?:[^"\\]|\\.)*"|[{}:]/g;

/**
 * JSON of which every reader has the same understanding. RFC 8259 leaves open what a name that comes twice in an object
 * means, so that one reader can be shown what another one never saw; RFC 7519 lets such a token be refused.
 *
 * @throws SyntaxError
 */
export function parseUnambiguous(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const objects: Array<Set<string>> = [];
  let last = '';
  // What was parsed is JSON, so a colon outside of texts stands between a name and its value.
  for (const [mark] of text.matchAll(MARKS)) {
    if (mark === '{') objects.push(new Set());
    else if (mark === '}') objects.pop();
    else if (mark === ':') noteName(objects.at(-1), last);
    else last = mark;
  }
  return value;
}

function noteName(names: Set<string> | undefined, written: string): void {
  const name = JSON.parse(written) as string; // `"sub"` is `sub`
  if (name === '__proto__') throw new SyntaxError('a name that is none');
  if (names?.has(name)) throw new SyntaxError(`the name ${name.slice(0, 50)} comes twice`);
  names?.add(name);
}
