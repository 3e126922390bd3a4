import { toPublicId } from '../platform/ids.js';
import { type Dimension, DIMENSIONS } from './dimensions.js';
import type { ExportedRow } from './export.repository.js';

const NAMES = Object.keys(DIMENSIONS) as Dimension[];

/** A single click in the API's terms. */
export const shownClick = (row: ExportedRow): Record<string, string | boolean | null> => ({
  id: toPublicId('clk', row.id),
  occurredAt: row.occurredAt.toISOString(),
  linkId: toPublicId('link', row.linkId),
  domain: row.domain,
  key: row.key,
  ...Object.fromEntries(NAMES.map((name) => [name, row[name]])),
  bot: row.bot,
});
