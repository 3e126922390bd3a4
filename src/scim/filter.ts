import { unstorableText } from '../platform/http/storable-text.js';
import { invalidFilter } from './scim.errors.js';

export type Comparison = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';
export type Value = string | number | boolean | null;

/** A filter of RFC 7644, section 3.4.2.2. */
export type Filter =
  | { op: 'and' | 'or'; filters: Filter[] }
  | { op: 'not'; filter: Filter }
  | { op: 'pr'; path: string }
  | { op: Comparison; path: string; value: Value }
  /** `emails[type eq "work"]`: some value of a multi-valued attribute. */
  | { op: 'some'; path: string; filter: Filter };

/** How many comparisons a filter has. */
export function termsOf(filter: Filter): number {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.filters.reduce((terms, one) => terms + termsOf(one), 0);
    case 'not':
    case 'some':
      return termsOf(filter.filter);
    default:
      return 1;
  }
}

const MOST_CHARACTERS = 2_000;
const MOST_TERMS = 50;
const MOST_DEPTH = 10;

const COMPARISONS: ReadonlySet<string> = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);

// No two alternatives begin alike, so that nothing is ever tried twice, whatever the text.
const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|([A-Za-z$][\w$:.-]*)|([()[\]])|(\.[A-Za-z$][\w$-]*))/sy;

interface Token {
  /** `part`: what stands behind brackets, as in `emails[type eq "work"].value`. */
  kind: 'string' | 'number' | 'word' | 'bracket' | 'part';
  text: string;
}

const KINDS = ['string', 'number', 'word', 'bracket', 'part'] as const;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.slice(1) ?? [];
    const index = groups.findIndex((group) => group !== undefined);
    const [found, kind] = [groups[index], KINDS[index]];
    if (found === undefined || kind === undefined)
      throw invalidFilter(`The filter can not be read from character ${at + 1} on.`);
    tokens.push({ kind, text: found });
  }
  return tokens;
}

/** Reads a filter; `and` binds closer than `or`, operators are the same in any case. */
class Parser {
  private position = 0;
  private terms = 0;

  constructor(private readonly tokens: Token[]) {}

  whole(): Filter {
    const filter = this.either(0);
    if (this.position < this.tokens.length) throw unexpected(this.tokens[this.position]);
    return filter;
  }

  private either(depth: number): Filter {
    return this.joined('or', () => this.both(depth));
  }

  private both(depth: number): Filter {
    return this.joined('and', () => this.one(depth));
  }

  private joined(op: 'and' | 'or', next: () => Filter): Filter {
    const filters = [next()];
    while (this.takeWord(op)) filters.push(next());
    const [only] = filters;
    return only && filters.length === 1 ? only : { op, filters };
  }

  private one(depth: number): Filter {
    if (depth > MOST_DEPTH) throw invalidFilter(`The filter is nested more than ${MOST_DEPTH} levels deep.`);
    if (this.isNegation()) {
      this.position++;
      return { op: 'not', filter: this.within('(', ')', depth) };
    }
    if (this.tokens[this.position]?.text === '(') return this.within('(', ')', depth);
    return this.term(depth);
  }

  private term(depth: number): Filter {
    if (++this.terms > MOST_TERMS) throw invalidFilter(`The filter has more than ${MOST_TERMS} terms.`);
    const path = this.take('word').text;
    if (this.tokens[this.position]?.text === '[') return this.some(path, depth);
    return this.comparison(path);
  }

  /** What stands behind the brackets holds for the same value as what stands in them. */
  private some(path: string, depth: number): Filter {
    const filter = this.within('[', ']', depth);
    if (this.tokens[this.position]?.kind !== 'part') return { op: 'some', path, filter };
    const part = this.take('part').text.slice(1);
    return { op: 'some', path, filter: { op: 'and', filters: [filter, this.comparison(part)] } };
  }

  private comparison(path: string): Filter {
    const operator = this.take('word').text.toLowerCase();
    if (operator === 'pr') return { op: 'pr', path };
    if (!COMPARISONS.has(operator)) throw invalidFilter(`There is no operator ${operator.slice(0, 20)}.`);
    return { op: operator as Comparison, path, value: this.value() };
  }

  private value(): Value {
    const token = this.tokens[this.position++];
    if (!token || token.kind === 'bracket' || token.kind === 'part') throw unexpected(token);
    const value = parsed(token);
    // Only now: escaped, it came past the check of what is sent.
    if (unstorableText(value).length > 0) throw invalidFilter('A text of the filter can not be stored.');
    return value;
  }

  private within(open: string, close: string, depth: number): Filter {
    this.takeBracket(open);
    const filter = this.either(depth + 1);
    this.takeBracket(close);
    return filter;
  }

  /** `not` before a parenthesis; elsewhere it may be the name of an attribute. */
  private isNegation(): boolean {
    const [token, next] = this.tokens.slice(this.position, this.position + 2);
    return token?.kind === 'word' && token.text.toLowerCase() === 'not' && next?.text === '(';
  }

  private take(kind: Token['kind']): Token {
    const token = this.tokens[this.position++];
    if (token?.kind !== kind) throw unexpected(token);
    return token;
  }

  private takeBracket(text: string): void {
    const token = this.take('bracket');
    if (token.text !== text) throw unexpected(token);
  }

  private takeWord(word: string): boolean {
    const token = this.tokens[this.position];
    if (token?.kind !== 'word' || token.text.toLowerCase() !== word) return false;
    this.position++;
    return true;
  }
}

function parsed(token: Token): Value {
  try {
    return JSON.parse(token.kind === 'word' ? token.text.toLowerCase() : token.text) as Value;
  } catch {
    throw unexpected(token);
  }
}

const unexpected = (token: Token | undefined) =>
  invalidFilter(token ? `${token.text.slice(0, 50)} stands where it can not.` : 'The filter ends too early.');

/** @throws DomainError 400 `invalid_filter` */
export function parseFilter(text: string): Filter {
  if (text.length > MOST_CHARACTERS) throw invalidFilter(`The filter has more than ${MOST_CHARACTERS} characters.`);
  return new Parser(tokensOf(text)).whole();
}
