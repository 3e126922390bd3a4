/**
 * Stores a batch; one that is refused for what is in it is halved until those that are to blame stand alone. A thousand
 * with one bad among them take some twenty attempts.
 *
 * @param store all or nothing
 * @param isFault of an error: true when the batch itself is to blame; any other error is thrown on
 * @param bury takes the one that can not be stored
 */
export async function storeApart<T>(
  batch: T[],
  steps: {
    store: (some: T[]) => Promise<void>;
    isFault: (error: unknown) => boolean;
    bury: (one: T, error: unknown) => Promise<void>;
  },
): Promise<void> {
  const [first, ...others] = batch;
  if (first === undefined) return;
  try {
    return await steps.store(batch);
  } catch (error) {
    if (!steps.isFault(error)) throw error;
    if (others.length === 0) return steps.bury(first, error);
  }
  const middle = Math.ceil(batch.length / 2);
  await storeApart(batch.slice(0, middle), steps);
  await storeApart(batch.slice(middle), steps);
}
