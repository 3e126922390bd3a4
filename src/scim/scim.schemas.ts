import { z } from 'zod';

/** Most resources that a page has. */
export const MOST_RESULTS = 200;
const MOST_OPERATIONS = 1_000;

const whole = (name: string, otherwise: number) =>
  z
    .string()
    .regex(/^-?\d{1,9}$/, `${name} is a whole number.`)
    .optional()
    .transform((digits = String(otherwise)) => Number(digits));

const shown = {
  attributes: z
    .string()
    .max(2_000)
    .optional()
    .meta({ description: 'Attributes that the answer is to have, by commas' }),
  excludedAttributes: z.string().max(2_000).optional().meta({ description: 'Attributes that it is not to have' }),
};

// Parameters that are not known are left out here, against the custom of /v1: directories add some of their own.
export const shownResource = z.looseObject(shown);
export type ShownResource = z.output<typeof shownResource>;

/** Numbers out of range are the nearest one in it: RFC 7644, section 3.4.2.4. */
export const listResources = z.looseObject({
  ...shown,
  filter: z.string().max(2_000).optional().meta({ description: 'RFC 7644, section 3.4.2.2' }),
  startIndex: whole('startIndex', 1)
    .transform((index) => Math.max(1, index))
    .meta({ type: 'integer', default: 1, description: 'From 1 on' }),
  count: whole('count', 100)
    .transform((count) => Math.min(MOST_RESULTS, Math.max(0, count)))
    .meta({ type: 'integer', default: 100, description: `At most ${MOST_RESULTS}; 0 for totalResults alone` }),
});
export type ListResources = z.output<typeof listResources>;

const schemas = z.array(z.string().max(200)).max(20).optional();

export const writtenUser = z
  .looseObject({ schemas })
  .meta({ description: 'A user (RFC 7643, section 4.1); which attributes are kept is said by /scim/v2/Schemas' });

export const writtenGroup = z
  .looseObject({ schemas })
  .meta({ description: 'A group (RFC 7643, section 4.2); which attributes are kept is said by /scim/v2/Schemas' });

export const patchResource = z.looseObject({
  schemas,
  Operations: z
    .array(
      z.looseObject({
        op: z.string().max(20).meta({ description: 'add, replace or remove, in any case' }),
        path: z.string().max(1_000).optional(),
        value: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(MOST_OPERATIONS),
});
export type PatchResource = z.output<typeof patchResource>;

export const resourceResponse = z.looseObject({
  schemas: z.array(z.string()),
  id: z.string(),
});

export const listResponseSchema = z.object({
  schemas: z.array(z.string()),
  totalResults: z.int(),
  startIndex: z.int(),
  itemsPerPage: z.int(),
  Resources: z.array(z.looseObject({})),
});

export const documentResponse = z.looseObject({ schemas: z.array(z.string()) });
