import { z } from 'zod';

/** What SCIM answers errors with (RFC 7644, section 3.12), as documented in the OpenAPI document. */
export const scimErrorSchema = z.object({
  schemas: z.array(z.string()),
  status: z.string().meta({ description: 'The HTTP status, as a text' }),
  scimType: z.string().optional().meta({ description: 'A keyword of RFC 7644, where there is one' }),
  detail: z.string(),
  code: z.string().meta({ description: 'Stable, snake_case, documented in docs/errors.md' }),
  traceId: z.string(),
});
