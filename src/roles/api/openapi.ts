import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

/** The OpenAPI document, made from the controllers and their schemas. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Waypost')
    .setDescription(
      'Branded links: tenants, domains, short links and their analytics. Errors are problem+json (RFC 9457).',
    )
    .setVersion('1')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'An API key (`wp_…`), an access token of an identity provider, or the platform key',
    })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  for (const { post } of Object.values(document.paths)) post?.parameters?.push(IDEMPOTENCY_KEY);
  const isScim = ([path]: [string, PathItemObject]): boolean => path.startsWith('/scim/');
  const items = Object.entries(document.paths);
  for (const operation of items.filter((item) => !isScim(item)).flatMap(([, item]) => operationsOf(item))) {
    asProblem(operation);
  }
  const problem = document.paths['/v1/links']?.get?.responses.default;
  for (const operation of items.filter(isScim).flatMap(([, item]) => operationsOf(item)))
    asScimError(operation, problem);
  allowNull(document);
  return document;
}

/** Every POST takes it: see platform/idempotency. */
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description:
    'Makes the request safe to repeat for 24 h: the first answer is given again, with Idempotency-Replayed: true',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
};

const operationsOf = ({ get, post, put, patch, delete: remove }: PathItemObject) =>
  [get, post, put, patch, remove].filter((operation) => operation !== undefined);

/** Errors have a media type of their own, whatever that of success. */
function asProblem({ responses: { default: problem } }: OperationObject): void {
  const [media] = mediaOf(problem);
  if (problem && 'content' in problem && media) problem.content = { 'application/problem+json': media };
}

/** As SCIM has errors; what is no HTTP is answered before anybody can know that it was meant for SCIM. */
function asScimError({ responses: { default: error } }: OperationObject, problem: ResponseObject | undefined): void {
  const [[media], [general]] = [mediaOf(error), mediaOf(problem)];
  if (!error || !('content' in error) || !media || !general) return;
  error.content = { 'application/scim+json': media, 'application/problem+json': general };
}

const mediaOf = (response: ResponseObject | undefined) =>
  response && 'content' in response ? Object.values(response.content ?? {}) : [];

/** In OpenAPI 3.0 what is nullable and one of a list is null only if the list has that, too. */
function allowNull(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const { nullable, enum: values } = node as { nullable?: boolean; enum?: unknown[] };
  if (nullable && Array.isArray(values) && !values.includes(null)) values.push(null);
  for (const inner of Object.values(node)) allowNull(inner);
}

type PathItemObject = OpenAPIObject['paths'][string];
type OperationObject = NonNullable<PathItemObject['get']>;
type ResponseObject = NonNullable<OperationObject['responses']['default']>;

/** `/v1/openapi.json` and, for people, `/docs`. */
export function serveOpenApi(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'v1/openapi.json',
    raw: ['json'],
    customSiteTitle: 'Waypost API',
  });
}
