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
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key (`wp_…`), or the platform key' })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  for (const { post } of Object.values(document.paths)) post?.parameters?.push(IDEMPOTENCY_KEY);
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

/** `/v1/openapi.json` and, for people, `/docs`. */
export function serveOpenApi(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'v1/openapi.json',
    raw: ['json'],
    customSiteTitle: 'Waypost API',
  });
}
