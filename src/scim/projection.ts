import { isObject, type Values } from './resource-values.js';
import { type ResourceKind, targetOf, withoutUrn } from './scim-attributes.js';

/** RFC 7644, section 3.9: which attributes an answer has. */
export interface Projection {
  /** These alone, separated by commas. */
  attributes?: string | undefined;
  /** All but these. */
  excludedAttributes?: string | undefined;
}

const ALWAYS: ReadonlySet<string> = new Set(['id', 'schemas']);

/** `emails`, `name.givenName`, and of the extension with its URN before it. A path that leads nowhere asks for nothing. */
function pathsOf(kind: ResourceKind, list: string): Set<string> {
  const paths = list.split(',').flatMap((text) => {
    const path = text.trim();
    const { extended, rest } = withoutUrn(kind, path);
    if (extended && rest === '') return [kind.extension?.id ?? ''];
    const target = targetOf(kind, path);
    if (!target) return [];
    const prefix = target.extended ? `${kind.extension?.id}:` : '';
    return [prefix + target.attribute.name + (target.sub ? `.${target.sub.name}` : '')];
  });
  return new Set(paths);
}

/** Whether an answer will have an attribute at all: what is not shown need not be looked up. */
export function shows(kind: ResourceKind, { attributes, excludedAttributes }: Projection, name: string): boolean {
  if (attributes !== undefined) {
    return [...pathsOf(kind, attributes)].some((path) => path === name || path.startsWith(`${name}.`));
  }
  return excludedAttributes === undefined || !pathsOf(kind, excludedAttributes).has(name);
}

export function project(kind: ResourceKind, resource: Values, { attributes, excludedAttributes }: Projection): Values {
  const list = attributes ?? excludedAttributes;
  if (list === undefined) return resource;
  const paths = pathsOf(kind, list);
  return partsOf(resource, '', paths, attributes !== undefined, kind.extension?.id);
}

/** @param including whether the paths say what stays, or what goes */
function partsOf(
  holder: Values,
  prefix: string,
  paths: ReadonlySet<string>,
  including: boolean,
  extension?: string,
): Values {
  const entries = Object.entries(holder).flatMap(([name, value]) => {
    const path = prefix + name;
    if (prefix === '' && ALWAYS.has(name)) return [[name, value] as const];
    if (paths.has(path)) return including ? [[name, value] as const] : [];
    const below = `${path}${name === extension ? ':' : '.'}`;
    if (![...paths].some((one) => one.startsWith(below))) return including ? [] : [[name, value] as const];
    const inner = Array.isArray(value)
      ? value.map((element: unknown) => (isObject(element) ? partsOf(element, below, paths, including) : element))
      : isObject(value)
        ? partsOf(value, below, paths, including)
        : value;
    return [[name, inner] as const];
  });
  return Object.fromEntries(entries);
}
