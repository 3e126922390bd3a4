import type { EntityManager } from 'typeorm';
import type { Tx, Write } from '../context/context.js';

/** Writes in one statement: their arguments have a bound. */
const AT_ONCE = 100;

/**
 * Leaves a write that nobody waits for to the commit: all of them travel as one statement, together with COMMIT, in
 * the order in which they were left. Should one fail, the transaction fails.
 */
export async function writeAtCommit(tx: Tx, write: Write): Promise<void> {
  const { writes } = tx;
  if (!writes) return carryOut(tx.manager, [write]);
  const like = write.adds === undefined ? -1 : writes.findIndex((other) => differOnly(other, write, write.adds));
  if (like >= 0) writes[like] = sum(write, writes[like]);
  else writes.push(write);
}

const differOnly = (one: Write, other: Write, at: number | undefined): boolean =>
  one.call === other.call && one.values.every((value, n) => n === at || value === other.values[n]);

function sum(write: Write, other: Write | undefined): Write {
  const values = write.values.map((value, n) => (n === write.adds ? Number(value) + Number(other?.values[n]) : value));
  return { ...write, values };
}

export async function carryOut(manager: EntityManager, writes: readonly Write[]): Promise<void> {
  const statements: Array<Promise<unknown>> = [];
  for (let at = 0; at < writes.length; at += AT_ONCE) statements.push(call(manager, writes.slice(at, at + AT_ONCE)));
  await Promise.all(statements);
}

async function call(manager: EntityManager, writes: readonly Write[]): Promise<void> {
  let count = 0;
  const calls = writes.map((write) => `${write.call}(${write.values.map(() => `$${++count}`).join(', ')})`);
  try {
    await manager.query(
      `SELECT ${calls.join(', ')}`,
      writes.flatMap(({ values }) => values),
    );
  } catch (error) {
    throw writes.map(({ refusal }) => refusal?.(error)).find((refusal) => refusal !== undefined) ?? error;
  }
}
