import type { StandardSchemaV1 } from '@standard-schema/spec';
import { DomainError, type InputFault } from './domain-error.js';

interface ZodIssue extends StandardSchemaV1.Issue {
  code?: string;
  keys?: string[];
  params?: { code?: string };
}

const escapePointer = (segment: PropertyKey): string => String(segment).replaceAll('~', '~0').replaceAll('/', '~1');
const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((segment) => `/${escapePointer(segment)}`).join('');

const segments = (issue: ZodIssue): PropertyKey[] =>
  (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));

function faultsOf(issue: ZodIssue): InputFault[] {
  const path = segments(issue);
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => ({
      pointer: pointerTo([...path, key]),
      code: 'unknown_field',
      message: 'This field is not known here.',
    }));
  }
  return [{ pointer: pointerTo(path), code: issue.params?.code ?? issue.code ?? 'invalid', message: issue.message }];
}

/** How many faults one answer names: a hostile body must not become a larger answer. */
const MOST_FAULTS = 50;

/** Turns what a schema found into one 422 that names every faulty field. */
export const inputRefused = (issues: readonly StandardSchemaV1.Issue[]): DomainError =>
  new DomainError(
    'invalid',
    'invalid_input',
    'The input is not valid.',
    issues.flatMap(faultsOf).slice(0, MOST_FAULTS),
  );
