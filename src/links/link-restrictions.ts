import type { LinkRestrictions } from '../platform/context/context.js';

/** Whether who is confined like this may see and change the link. */
export function isWithin(
  { domainId, tags }: { domainId: string; tags: readonly string[] },
  restrictions: LinkRestrictions | undefined,
): boolean {
  const { domainIds, tags: allowed } = restrictions ?? {};
  return (domainIds?.includes(domainId) ?? true) && (allowed?.some((tag) => tags.includes(tag)) ?? true);
}
