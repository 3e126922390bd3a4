import { type Answer, type Caller, type ProblemBody, request, unique, underTest } from './waypost.js';

export const AUDIENCE = 'https://waypost.test';

export interface ProviderBody {
  id: string;
  name: string;
  issuer: string;
  audience: string;
  roleClaim: string | null;
  roleMapping: Record<string, string>;
  defaultRole: string | null;
  emailDomains: string[];
  createdAt: string;
  updatedAt: string;
}

/** An identity provider that is registered; fails the test otherwise. */
export async function register(by: Caller, input: Record<string, unknown> & { issuer: string }): Promise<ProviderBody> {
  const body = { name: unique('p'), audience: AUDIENCE, ...input };
  const answer = await by.post<ProviderBody>('/v1/identity-providers', body);
  if (answer.status !== 201) throw new Error(`No provider: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Asks with a token, for a tenant if one is named. */
export const askWith = <T = ProblemBody>(
  token: string,
  {
    tenant,
    path = '/v1/tenant',
    method = 'GET',
    apiUrl = underTest.apiUrl,
    headers = {},
    body,
  }: {
    tenant?: string;
    path?: string;
    method?: string;
    apiUrl?: string;
    headers?: Record<string, string>;
    body?: unknown;
  } = {},
): Promise<Answer<T>> =>
  request<T>(method, apiUrl + path, {
    headers: { authorization: `Bearer ${token}`, ...(tenant && { 'waypost-tenant': tenant }), ...headers },
    ...(body !== undefined && { body }),
  });
