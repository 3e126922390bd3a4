import { textsAt } from '../platform/tokens/claim-path.js';
import { highestRole, type Role } from './permissions.js';

interface Mapping {
  roleClaim: string | null;
  roleMapping: Readonly<Record<string, Role>>;
  defaultRole: Role | null;
}

/** The role that a provider's claims give: of several, the one that may do most. */
export function mappedRole({ roleClaim, roleMapping, defaultRole }: Mapping, claims: object): Role | undefined {
  const values = roleClaim === null ? [] : textsAt(claims, roleClaim);
  const given = values.filter((value) => Object.hasOwn(roleMapping, value)).map((value) => roleMapping[value]);
  return highestRole(given) ?? defaultRole ?? undefined;
}

/** The address that the provider has verified, if it is of a domain for which the provider may do so. */
export function verifiedEmail(emailDomains: readonly string[], claims: Record<string, unknown>): string | undefined {
  const { email, email_verified: verified } = claims;
  if (typeof email !== 'string' || verified !== true) return undefined;
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  return emailDomains.includes(domain) ? email : undefined;
}

/** By which attribute of the directory's users (SCIM) a login is recognized, and its value. */
export interface DirectoryKey {
  attribute: 'userName' | 'externalId';
  value: string;
}

/** Which claim of a provider's tokens is which attribute of the directory's users. */
export interface DirectoryMatch {
  claim: string;
  attribute: DirectoryKey['attribute'];
}

/** Undefined where the claim is missing, or has more than one value: it must leave no choice. */
export function directoryKey(match: DirectoryMatch | null, claims: object): DirectoryKey | undefined {
  if (match === null) return undefined;
  const [value, ...others] = textsAt(claims, match.claim);
  if (value === undefined || value === '' || others.length > 0) return undefined;
  return { attribute: match.attribute, value };
}
