import type { Tx } from '../context/context.js';

/**
 * Lets a write go on its way whose answer nobody needs before the commit: what comes after it is sent without waiting.
 * Should it fail, the transaction fails.
 */
export async function sendAhead(tx: Tx, write: Promise<unknown>): Promise<void> {
  if (!tx.sent) return void (await write);
  tx.sent.push(write);
  // Told by whoever commits; one that is rolled back has failed already.
  write.catch(() => undefined);
}
