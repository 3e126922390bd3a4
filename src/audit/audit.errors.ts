import { DomainError } from '../platform/http/domain-error.js';

export const tooManyExports = (most: number): DomainError =>
  new DomainError(
    'too_many',
    'too_many_exports',
    `Your tenant already has ${most} exports of its audit trail running here. Wait for one, or end it.`,
  );

export const tooManyQuestions = (): DomainError =>
  new DomainError(
    'too_many',
    'too_many_questions',
    'Your tenant has its audit trail checked already. Ask again when that is done.',
  );
