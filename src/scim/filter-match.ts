import type { Comparison, Filter, Value } from './filter.js';
import { isObject, type Values } from './resource-values.js';
import { type Attribute, named } from './scim-attributes.js';
import { invalidFilter } from './scim.errors.js';

/** Whether one value of a multi-valued attribute is meant by a filter in brackets. @throws DomainError 400 */
export function matches(attribute: Attribute, filter: Filter, element: unknown): boolean {
  switch (filter.op) {
    case 'and':
      return filter.filters.every((one) => matches(attribute, one, element));
    case 'or':
      return filter.filters.some((one) => matches(attribute, one, element));
    case 'not':
      return !matches(attribute, filter.filter, element);
    case 'some':
      throw invalidFilter('Brackets can not stand within brackets.');
    default: {
      const part = named(attribute.subAttributes ?? [], filter.path);
      if (!part) throw invalidFilter(`${attribute.name} has no ${filter.path.slice(0, 100)}.`);
      const value = isObject(element) ? element[part.name] : undefined;
      return filter.op === 'pr' ? value !== undefined : compared(part, filter.op, value, filter.value);
    }
  }
}

function compared({ caseExact, type }: Attribute, op: Comparison, value: unknown, wanted: Value): boolean {
  const fold = (one: unknown): string => (caseExact && type !== 'boolean' ? String(one) : String(one).toLowerCase());
  const [left, right] = [value ?? '', wanted ?? ''].map(fold) as [string, string];
  switch (op) {
    case 'eq':
      return left === right;
    case 'ne':
      return left !== right;
    case 'co':
      return left.includes(right);
    case 'sw':
      return left.startsWith(right);
    case 'ew':
      return left.endsWith(right);
    default:
      throw invalidFilter('A value is chosen by eq, ne, co, sw, ew or pr.');
  }
}

/** What a new value has to be for a filter to mean it; undefined where the filter leaves a choice. */
export function madeBy(attribute: Attribute, filter: Filter): Values | undefined {
  if (filter.op === 'eq') {
    const part = named(attribute.subAttributes ?? [], filter.path);
    return part && filter.value !== null ? { [part.name]: filter.value } : undefined;
  }
  if (filter.op !== 'and') return undefined;
  const parts = filter.filters.map((one) => madeBy(attribute, one));
  return parts.includes(undefined) ? undefined : Object.assign({}, ...parts);
}
