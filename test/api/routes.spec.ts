import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { PLATFORM_PERMISSIONS, SCOPES } from '../../src/identity/permissions.js';
import { Access } from '../../src/platform/http/access.js';
import { routesOf, writtenRoutes } from '../../src/roles/api/routes.js';
import { ApiServices } from '../support/api-services.js';
import { operationsOf, servedDocument } from '../support/openapi.js';

// After Nest is there: see api-services.ts.
const { ApiModule } = await import('../../src/roles/api/api.module.js');

/** What the server answers besides the controllers, to anybody: the OpenAPI document and its page for people. */
const DOCUMENTS = /^GET \/(v1\/openapi\.json|docs(\/.*)?)$/;

const routes = routesOf(ApiModule);
const named = routes.map(({ method, path }) => `${method} ${path}`);

describe('the routes', () => {
  let services: ApiServices;
  beforeAll(async () => {
    services = await ApiServices.open();
  });
  afterAll(() => services.close());

  it('and what each asks of its caller are those of routes.snap; npm run routes writes it anew', async () => {
    expect(writtenRoutes(routes)).toBe(await readFile(join(import.meta.dirname, 'routes.snap'), 'utf8'));
  });

  it('that the server really has are these, HEAD for each GET, and documents for anybody', () => {
    const heads = named.filter((route) => route.startsWith('GET ')).map((route) => route.replace('GET', 'HEAD'));
    const others = services.routes.filter((route) => !DOCUMENTS.test(route.replace('HEAD', 'GET')));
    expect(others.toSorted()).toEqual([...named, ...heads].toSorted());
    expect(services.routes).toContain('GET /v1/openapi.json');
  });

  it('are those of the OpenAPI document', async () => {
    const documented = operationsOf(await servedDocument()).map(({ name }) => name.replace(/\{(\w+)\}/g, ':$1'));
    expect(named.toSorted()).toEqual(documented.toSorted());
  });

  it('ask for permissions that somebody can have, and leave none unused', () => {
    const asked = new Set<string>(routes.map(({ permission }) => permission));
    const given = new Set<string>([...SCOPES, ...PLATFORM_PERMISSIONS]);
    expect([...asked].filter((permission) => !given.has(permission))).toEqual([]);
    const unused = [...given].filter((permission) => !asked.has(permission));
    expect(unused).toEqual([]);
  });
});

describe('a route without a permission', () => {
  @Controller('v1/open')
  class OpenController {
    @Get()
    @Access('links:read')
    closed(): void {}

    @Post('door')
    door(): void {}
  }
  @Module({ controllers: [OpenController] })
  class OpenModule {}

  it('fails the build, by name', () => {
    expect(() => routesOf(OpenModule)).toThrow('OpenController.door names no permission');
  });
});
