import { applyDecorators } from '@nestjs/common';
import { ApiConsumes, ApiHeader } from '@nestjs/swagger';
import type { z } from 'zod';
import { Access } from '../platform/http/access.js';
import { scimErrorSchema } from '../platform/http/scim-error.schema.js';

const TYPE = 'application/scim+json';

/** `Access` of a route that speaks SCIM. */
export const ScimAccess = (
  permission: 'scim:read' | 'scim:write',
  answer: { returns?: z.ZodType; status?: 200 | 201 | 204 },
): MethodDecorator =>
  Access(permission, { ...answer, ...(answer.returns && { types: [TYPE] }), problems: scimErrorSchema });

/** Bodies in either media type (RFC 7644, section 3.1). */
export const TakesScim = (): MethodDecorator => ApiConsumes(TYPE, 'application/json');

/** A change of what may have changed meanwhile. */
export const TakesIfMatch = (): MethodDecorator =>
  applyDecorators(
    ApiHeader({ name: 'If-Match', required: false, description: 'The version that is to be changed; else 412' }),
  );
