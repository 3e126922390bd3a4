import type { Values } from './resource-values.js';
import { GROUP, type ResourceKind, type Schema, USER } from './scim-attributes.js';

const SERVICE = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig';
const RESOURCE_TYPE = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';
const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Schema';

/** RFC 7643, section 5: what this service can do, and what it can not. */
export const serviceProviderConfig = (base: string, maxResults: number): Values => ({
  schemas: [SERVICE],
  documentationUri: 'https://waypost.dev/docs/scim',
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'An API key with the scopes scim:read and scim:write',
      specUri: 'https://www.rfc-editor.org/info/rfc6750',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
});

const KINDS: readonly ResourceKind[] = [USER, GROUP];

const resourceType = ({ name, endpoint, core, extension }: ResourceKind, base: string): Values => ({
  schemas: [RESOURCE_TYPE],
  id: name,
  name,
  description: core.description,
  endpoint,
  schema: core.id,
  schemaExtensions: extension ? [{ schema: extension.id, required: false }] : [],
  meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
});

export const resourceTypes = (base: string): Values[] => KINDS.map((kind) => resourceType(kind, base));

const schema = ({ id, name, description, attributes }: Schema, base: string): Values => ({
  schemas: [SCHEMA],
  id,
  name,
  description,
  attributes,
  meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
});

export const schemaDocuments = (base: string): Values[] =>
  KINDS.flatMap(({ core, extension }) => [core, ...(extension ? [extension] : [])]).map((one) => schema(one, base));
