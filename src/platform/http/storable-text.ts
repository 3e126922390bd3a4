import type { StandardSchemaV1 } from '@standard-schema/spec';

// PostgreSQL keeps neither the null character nor half of a surrogate pair, which is no character.
const UNSTORABLE = /\0|\p{Surrogate}/u;

const REFUSAL = { message: 'This text has characters that can not be stored.', params: { code: 'invalid_text' } };

/** Every text in this value that no database could keep, by its path; the name of a property by that of its object. */
export function unstorableText(value: unknown, path: PropertyKey[] = []): StandardSchemaV1.Issue[] {
  if (typeof value === 'string') {
    return UNSTORABLE.test(value) ? [{ path, ...REFUSAL }] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    UNSTORABLE.test(key) ? [{ path, ...REFUSAL }] : unstorableText(inner, [...path, key]),
  );
}
