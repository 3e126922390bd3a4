import type { Tx } from '../context/context.js';

/**
 * Asks what other work in the same transaction may have asked already. Only for what none of it changes.
 *
 * @param question by which the same one is known
 */
export function askOnce<T>(tx: Tx, question: string, ask: () => Promise<T>): Promise<T> {
  const known = tx.answers?.get(question);
  if (known) return known as Promise<T>;
  const answer = ask();
  tx.answers?.set(question, answer);
  return answer;
}
