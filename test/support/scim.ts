import { type Answer, Caller, unique } from './waypost.js';

const TYPE = { 'content-type': 'application/scim+json' };

export interface ResourceBody {
  schemas: string[];
  id: string;
  externalId?: string;
  meta: { resourceType: string; created: string; lastModified: string; location: string; version: string };
  [attribute: string]: unknown;
}
export interface UserBody extends ResourceBody {
  userName: string;
  active: boolean;
  groups?: Array<{ value: string; display: string; $ref: string; type: string }>;
}
export interface GroupBody extends ResourceBody {
  displayName: string;
  members: Array<{ value: string; display: string; $ref: string; type: string }>;
}
export interface ListBody<T = ResourceBody> {
  schemas: string[];
  totalResults: number;
  startIndex: number;
  itemsPerPage: number;
  Resources: T[];
}
export interface ErrorBody {
  schemas: string[];
  status: string;
  scimType?: string;
  detail: string;
  code: string;
}

/** A directory: it has a key of SCIM alone, and sends SCIM's media type. */
export class Directory extends Caller {
  static async of(tenant: Caller): Promise<Directory> {
    const answer = await tenant.post<{ apiKey: string }>('/v1/api-keys', {
      name: 'Directory',
      scopes: ['scim:read', 'scim:write'],
    });
    if (answer.status !== 201) throw new Error(`No key: ${answer.status} ${JSON.stringify(answer.body)}`);
    return new Directory(answer.body.apiKey, tenant.apiUrl);
  }

  send<T = UserBody>(method: string, path: string, body?: unknown, headers = {}): Promise<Answer<T>> {
    return this.ask<T>(method, `/scim/v2${path}`, {
      ...(body !== undefined && { body }),
      headers: { ...TYPE, ...headers },
    });
  }

  search<T = UserBody>(kind: 'Users' | 'Groups', filter: string, more = ''): Promise<Answer<ListBody<T>>> {
    return this.send<ListBody<T>>('GET', `/${kind}?filter=${encodeURIComponent(filter)}${more}`);
  }
}

const made = async <T>(answer: Promise<Answer<T>>): Promise<T> => {
  const { status, body } = await answer;
  if (status !== 201) throw new Error(`Not made: ${status} ${JSON.stringify(body)}`);
  return body;
};

/** A user who is there; fails the test otherwise. */
export const scimUser = (by: Caller, input: Record<string, unknown> = {}): Promise<UserBody> =>
  made(by.post<UserBody>('/scim/v2/Users', { userName: `${unique('u')}@example.com`, ...input }));

/** A group that is there; fails the test otherwise. */
export const scimGroup = (by: Caller, input: Record<string, unknown> = {}): Promise<GroupBody> =>
  made(by.post<GroupBody>('/scim/v2/Groups', { displayName: unique('g'), ...input }));

export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export const patch = (...Operations: object[]) => ({ schemas: [PATCH_OP], Operations });
