import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type OpenApi, operationsOf, servedDocument } from '../support/openapi.js';
import { request, underTest } from '../support/waypost.js';

const ROOT = join(import.meta.dirname, '../..');

let document: OpenApi;
beforeAll(async () => {
  document = await servedDocument();
});

const failing = (broken: (operation: ReturnType<typeof operationsOf>[number]) => boolean): string[] =>
  operationsOf(document)
    .filter(broken)
    .map(({ name }) => name);

const JS_TYPES: Record<string, (value: unknown) => boolean> = {
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
};

describe('the OpenAPI document', () => {
  it('is served to anybody, and has a page for people', async () => {
    const served = await request('GET', `${underTest.apiUrl}/v1/openapi.json`);
    expect(served).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringMatching(/^application\/json/) },
    });
    const page = await request<string>('GET', `${underTest.apiUrl}/docs`);
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    expect(page.text).toContain('Waypost API');
  });

  it('is well-formed: version, title, and references that lead somewhere', () => {
    expect(document).toMatchObject({
      openapi: expect.stringMatching(/^3\.\d\.\d$/),
      info: { title: 'Waypost', version: '1' },
    });
    expect(Object.keys(document.paths).every((path) => /^\/(v1\/[a-z/{}-]+|scim\/v2\/[A-Za-z/{}]+)$/.test(path))).toBe(
      true,
    );
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
    const dangling = references.filter(
      (path) =>
        path.split('/').reduce<unknown>((node, name) => (node as Record<string, unknown>)?.[name], document) ===
        undefined,
    );
    expect(dangling).toEqual([]);
  });

  it('gives every operation its own name', () => {
    const ids = operationsOf(document).map(({ operation }) => operation.operationId);
    expect(ids.length).toBeGreaterThan(20);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^\w+\.\w+$/.test(String(id)))).toBe(true);
  });

  it('gives every operation one answer for success, with its shape, and one for problems', () => {
    expect(
      failing(
        ({ operation: { responses } }) =>
          Object.keys(responses)
            .join()
            .match(/^20[014],default$/) === null,
      ),
    ).toEqual([]);
    const shapeless = failing(({ operation: { responses } }) =>
      Object.entries(responses).some(
        ([status, { content = {} }]) => status !== '204' && !Object.values(content).every(({ schema }) => schema),
      ),
    );
    expect(shapeless).toEqual([]);
  });

  it('gives problems a media type of their own, and success JSON, except for streams', () => {
    const types = (name: string): Array<[string, string]> =>
      operationsOf(document).flatMap(({ name: operation, operation: { responses } }) =>
        Object.entries(responses)
          .filter(([status]) => (status === 'default') === (name === 'default') && status !== '204')
          .map(([, { content = {} }]): [string, string] => [operation, Object.keys(content).join()]),
      );
    const scim = (name: string): boolean => name.includes(' /scim/');
    for (const [name, type] of types('default')) {
      expect([name, type]).toEqual([
        name,
        scim(name) ? 'application/scim+json,application/problem+json' : 'application/problem+json',
      ]);
    }
    const scimTypes = types('success').filter(([name]) => scim(name));
    expect(new Set(scimTypes.map(([, type]) => type))).toEqual(new Set(['application/scim+json']));
    expect(types('success').filter(([name, type]) => !scim(name) && type !== 'application/json')).toEqual([
      ['GET /v1/analytics/export', 'text/csv,application/x-ndjson'],
      ['GET /v1/analytics/live', 'text/event-stream'],
      ['GET /v1/audit-events/export', 'application/x-ndjson'],
    ]);
  });

  it('lists no values, and has no default, that are not of the type said', () => {
    const wrong: unknown[] = [];
    const look = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      const { type, enum: values, nullable, ...rest } = node as Record<string, unknown>;
      const given = [...(Array.isArray(values) ? values : []), ...('default' in rest ? [rest.default] : [])];
      const fits = (value: unknown): boolean =>
        value === null ? nullable === true : JS_TYPES[String(type)]?.(value) !== false;
      if (!given.every(fits)) wrong.push(node);
      if (nullable && Array.isArray(values) && !values.includes(null)) wrong.push(node);
      for (const inner of Object.values(node)) look(inner);
    };
    look(document);
    expect(wrong).toEqual([]);
  });

  it('asks for credentials everywhere', () => {
    expect(failing(({ operation }) => JSON.stringify(operation.security) !== '[{"bearer":[]}]')).toEqual([]);
    expect(document.components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  it('describes every part of a path, every body, and the Idempotency-Key of every POST', () => {
    const parameters = ({ path, operation }: ReturnType<typeof operationsOf>[number]): boolean =>
      [...path.matchAll(/\{(\w+)\}/g)].every(([, name]) =>
        operation.parameters.some(
          (given) => given.in === 'path' && given.name === name && given.required && given.schema,
        ),
      );
    expect(failing((operation) => !parameters(operation))).toEqual([]);
    expect(failing(({ operation }) => operation.parameters.some(({ schema }) => !schema))).toEqual([]);
    const takesBody = (name: string): boolean => /^(POST|PUT|PATCH) /.test(name) && !/\/(verify|redrive)$/.test(name);
    expect(
      failing(
        ({ name, operation }) =>
          takesBody(name) !== Boolean(operation.requestBody?.content['application/json']?.schema),
      ),
    ).toEqual([]);
    const keyed = (name: string): boolean => name.startsWith('POST ');
    expect(
      failing(
        ({ name, operation }) => keyed(name) !== operation.parameters.some((given) => given.name === 'Idempotency-Key'),
      ),
    ).toEqual([]);
  });

  it('is the one in docs/openapi.json, which npm run openapi writes without a database', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'waypost-openapi-'));
    const file = join(directory, 'openapi.json');
    const bare = { PATH: process.env.PATH, HOME: directory };
    await promisify(execFile)(join(ROOT, 'node_modules/.bin/node'), ['dist/openapi.js', file], {
      cwd: ROOT,
      env: bare,
    });
    const written = await readFile(file, 'utf8');
    await rm(directory, { recursive: true });

    expect(JSON.parse(written)).toEqual(document);
    expect(await readFile(join(ROOT, 'docs/openapi.json'), 'utf8')).toBe(written);
  });
});
