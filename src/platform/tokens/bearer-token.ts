import { z } from 'zod';
import { unstorableText } from '../http/storable-text.js';
import { parseUnambiguous } from './unambiguous-json.js';

/** Asymmetric ones: whoever can check a signature must not be able to make one. */
export const ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA'] as const),
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** By how many seconds the provider's clock may differ from ours. */
export const LEEWAY = 60;

const MOST_CHARACTERS = 8_192;
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** RFC 9068, section 2.1, and what providers write that are older; RFC 7519 lets it be left out. */
const TYPES = new Set(['at+jwt', 'jwt']);
/** Parameters by which a token would bring the key along that it is to be checked with (RFC 8725, 3.10), or ask for more. */
const FORBIDDEN = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'zip', 'enc'];

/** Why a token is not accepted: for the log. The caller is told nothing of it. */
export class TokenRefused extends Error {}

const header = z.looseObject({
  alg: z.enum(ALGORITHMS),
  kid: z.string().min(1).max(256),
  typ: z
    .string()
    .refine((typ) => TYPES.has(typ.toLowerCase().replace(/^application\//, '')), 'is no type of an access token')
    .optional(),
});

const claims = z.looseObject({
  iss: z.string().min(1).max(500),
  sub: z.string().min(1).max(255),
  aud: z
    .union([z.string().max(500), z.array(z.string().max(500)).max(20)])
    .transform((aud) => (typeof aud === 'string' ? [aud] : aud))
    .refine((aud) => aud.length > 0, 'is empty'),
  exp: z.number(),
  iat: z.number(),
  nbf: z.number().optional(),
  // That of a logout or of a security event (RFC 8417), which opens nothing.
  events: z.undefined({ error: 'is not that of an access token' }).optional(),
});

/** A token that is well-formed and would be in force; whose it is, and whether it is genuine, is not known yet. */
export interface PresentedToken {
  text: string;
  header: z.output<typeof header>;
  claims: z.output<typeof claims>;
}

/**
 * Reads an access token (RFC 9068) or another JWT that a provider gives out for an API, by the rules of RFC 8725.
 *
 * @throws TokenRefused
 */
export function readToken(text: string, now: Date): PresentedToken {
  if (text.length > MOST_CHARACTERS) throw new TokenRefused('it is too long');
  const [, head = '', body = ''] = COMPACT.exec(text) ?? [];
  if (head === '') throw new TokenRefused('it is no signed JWT');
  const parameters = decoded('header', head);
  const forbidden = FORBIDDEN.filter((name) => Object.hasOwn(parameters, name));
  if (forbidden.length > 0) throw new TokenRefused(`its header has ${forbidden.join(', ')}`);
  const token = {
    text,
    header: checked('header', header, parameters),
    claims: checked('payload', claims, decoded('payload', body)),
  };
  checkTimes(token.claims, now.getTime() / 1000);
  return token;
}

function decoded(part: string, base64url: string): object {
  const bytes = Buffer.from(base64url, 'base64url');
  // Several texts decode to the same bytes: only the canonical one is taken.
  if (bytes.toString('base64url') !== base64url) throw new TokenRefused(`its ${part} is not base64url`);
  const value = parsed(part, bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TokenRefused(`its ${part} is no object`);
  }
  return value;
}

function parsed(part: string, bytes: Buffer): unknown {
  try {
    return parseUnambiguous(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new TokenRefused(`its ${part} can not be read: ${(error as Error).message}`);
  }
}

function checked<T extends z.ZodType>(part: string, schema: T, value: object): z.output<T> {
  const { success, data, error } = schema.safeParse(value);
  if (!success) {
    const [issue] = error.issues;
    throw new TokenRefused(`its ${part} is not valid: ${String(issue?.path[0] ?? '')}: ${issue?.message}`);
  }
  if (unstorableText(value).length > 0) throw new TokenRefused(`its ${part} has text that can not be stored`);
  return data;
}

function checkTimes({ exp, nbf, iat }: PresentedToken['claims'], now: number): void {
  if (exp + LEEWAY <= now) throw new TokenRefused('it has expired');
  if (nbf !== undefined && nbf - LEEWAY > now) throw new TokenRefused('it is not in force yet');
  if (iat - LEEWAY > now) throw new TokenRefused('it was issued in the future');
}
