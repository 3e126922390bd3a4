import type { FastifyInstance } from 'fastify';
import { parse } from 'secure-json-parse';
import { DomainError } from './domain-error.js';
import { speaksScim } from './scim-error.js';

const MAX_DEPTH = 32;

const malformed = (detail: string): DomainError => new DomainError('malformed', 'malformed_body', detail);

/** Level by level rather than by recursion, which a hostile body could drive until the stack is full. */
function exceedsDepth(root: unknown): boolean {
  let level = [root].filter(isContainer);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((container) => Object.values(container)).filter(isContainer);
  }
  return false;
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Bytes to a JSON value: UTF-8 to the letter, no `__proto__`, at most 32 levels deep. */
export function parseJsonBody(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('The body is not valid UTF-8.');
  }
  let value: unknown;
  try {
    value = parse(text, { protoAction: 'error', constructorAction: 'error' });
  } catch {
    throw malformed('The body is not valid JSON.');
  }
  if (exceedsDepth(value)) throw malformed(`The body is nested more than ${MAX_DEPTH} levels deep.`);
  return value;
}

/** JSON is the only body this server takes, by its own name or, from directories, by SCIM's; anything else is 415. */
export function acceptJsonOnly(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    parsed(body, done);
  });
  server.addContentTypeParser('application/scim+json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    // Directories name the type of a body also where there is none.
    if (speaksScim(request) && request.method === 'DELETE' && body.length === 0) done(null);
    else if (speaksScim(request)) parsed(body, done);
    else
      done(new DomainError('unsupported_media_type', 'unsupported_media_type', 'The body must be application/json.'));
  });
}

function parsed(body: Buffer, done: (error: Error | null, value?: unknown) => void): void {
  try {
    done(null, parseJsonBody(body));
  } catch (error) {
    done(error as Error);
  }
}
