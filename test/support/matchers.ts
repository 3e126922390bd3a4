import { expect } from '@jest/globals';
import type { Answer } from './waypost.js';

/** `expect(answer).toBeProblem(409, 'key_taken')`: an RFC 9457 problem, whole and of this kind. */
expect.extend({
  toBeProblem(received: unknown, status: number, code: string) {
    const answer = received as Answer;
    const body = (answer.body ?? {}) as Record<string, unknown>;
    const whole =
      String(answer.headers['content-type']).startsWith('application/problem+json') &&
      body.type === `https://waypost.dev/errors#${code}` &&
      typeof body.title === 'string' &&
      typeof body.detail === 'string' &&
      typeof body.instance === 'string' &&
      typeof body.traceId === 'string';
    const pass = answer.status === status && body.status === status && body.code === code && whole;
    return {
      pass,
      message: () => `expected a problem ${status} ${code}, got ${answer.status} ${JSON.stringify(answer.body)}`,
    };
  },
});

declare module 'expect' {
  interface Matchers<R> {
    toBeProblem(status: number, code: string): R;
  }
}
