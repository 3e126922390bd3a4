import { Controller, Get, Param } from '@nestjs/common';
import { OwnAddress } from '../platform/http/request-facts.js';
import type { Values } from './resource-values.js';
import { ScimAccess } from './scim-access.js';
import { resourceTypes, schemaDocuments, serviceProviderConfig } from './scim-documents.js';
import { listResponse } from './scim-resources.js';
import { documentResponse, listResponseSchema, MOST_RESULTS } from './scim.schemas.js';
import { documentNotFound } from './scim.errors.js';

/** RFC 7644, section 4: what a directory may expect. */
@Controller('scim/v2')
export class ScimDiscoveryController {
  @Get('ServiceProviderConfig')
  @ScimAccess('scim:read', { returns: documentResponse })
  serviceProviderConfig(@OwnAddress() base: string) {
    return serviceProviderConfig(`${base}/scim/v2`, MOST_RESULTS);
  }

  @Get('ResourceTypes')
  @ScimAccess('scim:read', { returns: listResponseSchema })
  resourceTypes(@OwnAddress() base: string) {
    return listResponse(resourceTypes(`${base}/scim/v2`));
  }

  @Get('ResourceTypes/:id')
  @ScimAccess('scim:read', { returns: documentResponse })
  resourceType(@OwnAddress() base: string, @Param('id') id: string) {
    return one(resourceTypes(`${base}/scim/v2`), id);
  }

  @Get('Schemas')
  @ScimAccess('scim:read', { returns: listResponseSchema })
  schemas(@OwnAddress() base: string) {
    return listResponse(schemaDocuments(`${base}/scim/v2`));
  }

  @Get('Schemas/:id')
  @ScimAccess('scim:read', { returns: documentResponse })
  schema(@OwnAddress() base: string, @Param('id') id: string) {
    return one(schemaDocuments(`${base}/scim/v2`), id);
  }
}

function one(documents: Values[], id: string): Values {
  const found = documents.find((document) => document.id === id);
  if (!found) throw documentNotFound();
  return found;
}
