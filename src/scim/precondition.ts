import { namesTag } from '../platform/http/entity-tag.js';
import { versionOf } from './scim-resources.js';
import { changedMeanwhile } from './scim.errors.js';

/** @throws DomainError 412 where somebody goes by another version than the one that is there */
export function assertUnchanged(resource: { version: number }, ifMatch: string | undefined): void {
  const version = versionOf(resource);
  if (ifMatch !== undefined && !namesTag(ifMatch, version)) throw changedMeanwhile(version);
}
