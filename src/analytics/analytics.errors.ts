import { DomainError, invalidField } from '../platform/http/domain-error.js';

export const queryTooExpensive = (): DomainError =>
  new DomainError(
    'invalid',
    'query_too_expensive',
    'This question takes too long to answer. Ask for a shorter time, or with fewer filters.',
  );

/** @param since the first day of which single clicks are kept */
export const beforeDetails = (pointer: string, since: Date): DomainError =>
  invalidField(
    pointer,
    'beyond_retention',
    `Single clicks, which this question needs, are kept since ${since.toISOString()}. Ask from then on, or without filters.`,
  );

export const tooFine = (): DomainError =>
  invalidField('/granularity', 'too_fine', 'This would be more than 10,000 entries. Ask for coarser ones.');

export const tooManyListeners = (most: number): DomainError =>
  new DomainError(
    'too_many',
    'too_many_listeners',
    `Your tenant already has ${most} live streams here. Close one first.`,
  );

export const tooManyQuestions = (): DomainError =>
  new DomainError(
    'too_many',
    'too_many_questions',
    'Your tenant asks too many questions at once. Ask again when some of them are answered.',
  );

export const tooManyExports = (most: number): DomainError =>
  new DomainError(
    'too_many',
    'too_many_exports',
    `Your tenant already has ${most} exports running here. Wait for one, or end it.`,
  );
