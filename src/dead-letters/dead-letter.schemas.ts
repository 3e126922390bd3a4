import { z } from 'zod';
import { pageOf, pageQuery } from '../platform/http/pagination.js';
import { publicId, publicIdText, toPublicId } from '../platform/ids.js';
import type { DeadLetterRow, OpenedLetter } from './dead-letters.repository.js';

export const deadLetterId = publicId('dead');

export const listDeadLetters = z.strictObject({
  ...pageQuery,
  waiting: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .default(false)
    .meta({
      type: 'boolean',
      enum: [true, false],
      description: 'Only those that have not been stored after all',
    }),
});
export type ListDeadLetters = z.output<typeof listDeadLetters>;

export const deadLetterResponse = z.object({
  id: publicIdText('dead'),
  tenantId: z.string().nullable().meta({ description: 'Null where none can be told' }),
  kind: z.enum(['click', 'segment']).meta({ description: 'A segment is one of which no click could be read' }),
  segment: z.string().meta({ description: 'The segment it came with' }),
  error: z.string(),
  failedAt: z.iso.datetime(),
  redriveRequestedAt: z.iso.datetime().nullable(),
  redrivenAt: z.iso.datetime().nullable().meta({ description: 'When it was stored after all' }),
});
export const deadLetterPage = pageOf(deadLetterResponse);

export const openedLetterResponse = deadLetterResponse.extend({
  click: z.record(z.string(), z.unknown()).nullable().meta({
    description:
      "What was to be stored, without the visitor's address; null for a segment, and where no known key opens the letter",
  }),
});

export const redriveResponse = z.object({
  requested: z.int(),
  more: z.boolean().meta({ description: 'True when there may be more: ask again' }),
});

export const toDeadLetterResponse = (letter: DeadLetterRow) => ({
  id: toPublicId('dead', letter.id),
  tenantId: letter.tenantId && toPublicId('tnt', letter.tenantId),
  kind: letter.kind,
  segment: letter.segment,
  error: letter.error,
  failedAt: letter.failedAt.toISOString(),
  redriveRequestedAt: letter.redriveRequestedAt?.toISOString() ?? null,
  redrivenAt: letter.redrivenAt?.toISOString() ?? null,
});

export const toOpenedLetterResponse = (letter: OpenedLetter) => ({
  ...toDeadLetterResponse(letter),
  click: letter.click,
});
