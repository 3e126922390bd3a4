/** Why a click is not stored: its time, or that its link or tenant is deleted. */
export type DropReason = 'too_old' | 'in_future' | 'link_deleted';

/** How many clicks were dropped, by reason. */
export type Dropped = Partial<Record<DropReason, number>>;

export interface DroppedClick {
  segment: string;
  reason: DropReason;
}

export const addTo = (dropped: Dropped | undefined, reason: DropReason, clicks = 1): void => {
  if (dropped) dropped[reason] = (dropped[reason] ?? 0) + clicks;
};

export const reasonsOf = (dropped: Dropped): Array<[DropReason, number]> =>
  Object.entries(dropped) as Array<[DropReason, number]>;

export function together(...all: Array<Dropped | undefined>): Dropped {
  const sum: Dropped = {};
  for (const one of all) for (const [reason, clicks] of reasonsOf(one ?? {})) addTo(sum, reason, clicks);
  return sum;
}
