import { request, underTest } from './waypost.js';

interface Content {
  content?: Record<string, { schema?: object }>;
}
interface Operation {
  operationId: string;
  parameters: Array<{ name: string; in: string; required?: boolean; schema?: object }>;
  requestBody?: Required<Content>;
  responses: Record<string, Content>;
  security?: unknown;
}

/** An OpenAPI document, as far as the tests look at it. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: Record<string, object> };
}

export const servedDocument = async (): Promise<OpenApi> =>
  (await request<OpenApi>('GET', `${underTest.apiUrl}/v1/openapi.json`)).body;

/** Every operation, by method and path: `GET /v1/links/{id}`. */
export const operationsOf = ({ paths }: OpenApi) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );
