/**
 * What stands in a token under a path such as `realm_access.roles`. A name may itself have dots, as
 * `https://example.com/roles` has: the whole path is taken for a name first, then the longest part of it.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined;
  if (Object.hasOwn(claims, path)) return (claims as Record<string, unknown>)[path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot);
    if (Object.hasOwn(claims, name)) return claimAt((claims as Record<string, unknown>)[name], path.slice(dot + 1));
  }
  return undefined;
}

/** The same as texts: one, or those of a list. Anything else is none. */
export function textsAt(claims: unknown, path: string): string[] {
  const value = claimAt(claims, path);
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((text): text is string => typeof text === 'string');
}
