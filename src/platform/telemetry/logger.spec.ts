import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';
import { QueryFailedError } from 'typeorm';
import { loggerOptions } from './logger.js';

const logged = (fields: object): string => {
  let line = '';
  pino(loggerOptions('info'), { write: (text: string) => (line += text) }).error(fields, 'It failed');
  return line;
};

function refused(): pg.DatabaseError {
  const error = new pg.DatabaseError('new row violates a check constraint', 1, 'error');
  return Object.assign(error, {
    code: '23514',
    constraint: 'members_email_case',
    detail: 'Failing row contains (ada@example.com).',
    where: 'PL/pgSQL function, with ada@example.com',
    internalQuery: `SELECT 'ada@example.com'`,
  });
}

describe('the log', () => {
  it.each([
    ['as it came', refused()],
    ['of a statement', new QueryFailedError(`SELECT 'ada@example.com'`, ['ada@example.com'], refused())],
    ['behind another', new Error('Not done', { cause: refused() })],
  ])('has why the database refused something, and nothing of what it was: %s', (_how, err) => {
    const line = logged({ err });
    expect(line).not.toContain('ada@');
    expect(line).toContain('violates a check constraint');
  });

  it('has no secret by any of the names that secrets have', () => {
    const secrets = { authorization: 'x-1', apiKey: 'x-2', password: 'x-3', secretKey: 'x-4', platformKey: 'x-5' };
    expect(logged({ given: secrets })).not.toContain('x-');
  });
});
