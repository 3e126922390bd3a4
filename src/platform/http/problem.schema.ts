import { z } from 'zod';

/** RFC 9457 problem details, as documented in the OpenAPI document. */
export const problemSchema = z.object({
  type: z.url().meta({ description: 'Stable URL of the error, documented in docs/errors.md' }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().meta({ description: 'Path of the request' }),
  code: z.string().meta({ description: 'Stable, snake_case' }),
  errors: z
    .array(z.object({ pointer: z.string(), code: z.string(), message: z.string() }))
    .optional()
    .meta({ description: 'For invalid input: every fault, by JSON Pointer' }),
  quota: z
    .object({
      name: z.enum(['linksPerMonth', 'domains', 'members']),
      limit: z.int(),
      used: z.int(),
      resetsAt: z.iso.datetime().nullable(),
    })
    .optional()
    .meta({ description: 'For quota_exceeded: which limit of the plan is reached' }),
  traceId: z.string(),
});
