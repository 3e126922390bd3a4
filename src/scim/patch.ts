import { type Filter, parseFilter, termsOf } from './filter.js';
import { madeBy, matches } from './filter-match.js';
import { elementOf, isObject, readResource, refuseTooMany, valueOf, type Values } from './resource-values.js';
import { type Attribute, named, type ResourceKind, targetOf, withoutUrn } from './scim-attributes.js';
import { invalidPath, invalidValue, noTarget, patchTooLarge, readOnly } from './scim.errors.js';

/** One change of RFC 7644, section 3.5.2; `op` in any case, since Entra ID capitalises it. */
export interface Operation {
  op: string;
  path?: string | undefined;
  value?: unknown;
}

type Verb = 'add' | 'replace' | 'remove';

interface Place {
  extended: boolean;
  attribute: Attribute;
  filter?: Filter;
  sub?: Attribute;
}

// `emails`, `emails[type eq "work"]`, `emails[type eq "work"].value`, `name.givenName`
const PATH = /^([A-Za-z][\w-]*)(?:\[(.*)\])?(?:\.([A-Za-z$][\w$-]*))?$/s;

/** @throws DomainError 400 */
function placeOf(kind: ResourceKind, path: string): Place {
  const { extended, rest } = withoutUrn(kind, path.trim());
  const [, name, filter, sub] = PATH.exec(rest) ?? [];
  if (name === undefined) throw invalidPath(path);
  const prefix = extended && kind.extension ? `${kind.extension.id}:` : '';
  const target = targetOf(kind, `${prefix}${name}${sub === undefined ? '' : `.${sub}`}`);
  if (!target) throw invalidPath(path);
  if (filter !== undefined && !target.attribute.multiValued) throw invalidPath(path);
  return { ...target, ...(filter !== undefined && { filter: parseFilter(filter) }) };
}

/** Looks of one patch at values of lists, with each term of a filter: nothing else of the process goes on meanwhile. */
const MOST_LOOKS = 2_000_000;

class Budget {
  private left = MOST_LOOKS;

  /** @throws DomainError 413 */
  spend(looks: number): void {
    this.left -= looks;
    if (this.left < 0) throw patchTooLarge();
  }
}

/**
 * Applies operations to what can be written of a resource. What it is given stays as it is.
 *
 * @throws DomainError 400, 413
 */
export function applyPatch(kind: ResourceKind, before: Values, operations: readonly Operation[]): Values {
  const after = structuredClone(before);
  const budget = new Budget();
  for (const { op, path, value } of operations) {
    const verb = op.toLowerCase();
    if (verb !== 'add' && verb !== 'replace' && verb !== 'remove') throw invalidValue(`There is no operation ${verb.slice(0, 20)}.`); // prettier-ignore
    if (path === undefined || path === '') applyWhole(kind, after, budget, verb, value);
    else if (isWholeExtension(kind, path)) applyExtension(kind, after, budget, verb, value);
    else applyAt(kind, after, budget, verb, path, value);
  }
  return readResource(kind, after);
}

const isWholeExtension = (kind: ResourceKind, path: string): boolean => {
  const { extended, rest } = withoutUrn(kind, path);
  return extended && rest === '';
};

/** Without a path the value has one or more attributes, of which Entra ID writes some as paths: `name.givenName`. */
function applyWhole(kind: ResourceKind, after: Values, budget: Budget, verb: Verb, value: unknown): void {
  if (verb === 'remove') throw noTarget('');
  if (!isObject(value)) throw invalidValue('Without a path the value must be an object.');
  for (const [path, inner] of Object.entries(value)) {
    if (isWholeExtension(kind, path)) applyExtension(kind, after, budget, verb, inner);
    else if (isWritable(kind, path)) applyAt(kind, after, budget, verb, path, inner);
  }
}

/** What is read-only or not known is left out of a whole, as it is when a resource is created. */
function isWritable(kind: ResourceKind, path: string): boolean {
  const { extended, rest } = withoutUrn(kind, path);
  const prefix = extended && kind.extension ? `${kind.extension.id}:` : '';
  const target = targetOf(kind, prefix + rest.replace(/\[.*\]/s, ''));
  return target !== undefined && target.attribute.mutability !== 'readOnly';
}

function applyExtension(kind: ResourceKind, after: Values, budget: Budget, verb: Verb, value: unknown): void {
  const id = kind.extension?.id ?? '';
  if (verb === 'remove') {
    delete after[id];
    return;
  }
  if (!isObject(value)) throw invalidValue(`${id} must be an object.`);
  for (const [name, inner] of Object.entries(value)) {
    if (named(kind.extension?.attributes ?? [], name)) applyAt(kind, after, budget, verb, `${id}:${name}`, inner);
  }
}

function applyAt(kind: ResourceKind, after: Values, budget: Budget, verb: Verb, path: string, value: unknown): void {
  const place = placeOf(kind, path);
  const { extended, attribute, filter, sub } = place;
  const fixed = [attribute, ...(sub ? [sub] : [])].find(({ mutability }) => mutability === 'readOnly');
  if (fixed) throw readOnly(fixed.name);
  if (verb !== 'remove' && value === undefined) throw invalidValue(`${path.slice(0, 200)} is to have no value.`);
  const holder = extended && kind.extension ? extensionOf(after, kind.extension.id) : after;
  const list = listAt(holder, attribute);
  budget.spend(list.length * (filter ? termsOf(filter) : 1));
  const changed = attribute.multiValued
    ? severalAfter(place, list, verb, value, path)
    : singleAfter(place, holder[attribute.name], verb, value);
  if (Array.isArray(changed)) refuseTooMany(attribute, changed);
  if (changed === undefined) delete holder[attribute.name];
  else holder[attribute.name] = changed;
}

function extensionOf(after: Values, id: string): Values {
  const known = after[id];
  if (isObject(known)) return known;
  const made: Values = {};
  after[id] = made;
  return made;
}

const listAt = (holder: Values, { name }: Attribute): unknown[] => {
  const known = holder[name];
  return Array.isArray(known) ? known : [];
};

function singleAfter({ attribute, sub }: Place, before: unknown, verb: Verb, value: unknown): unknown {
  if (!sub) {
    if (verb === 'remove') return undefined;
    const given = valueOf(attribute, value);
    return isObject(before) && isObject(given) ? { ...before, ...given } : given;
  }
  return withPart(isObject(before) ? before : {}, sub, verb === 'remove' ? undefined : value);
}

function withPart(element: Values, part: Attribute, value: unknown): Values {
  const { [part.name]: _before, ...rest } = element;
  const known = valueOf(part, value);
  return known === undefined ? rest : { ...rest, [part.name]: known };
}

function severalAfter(place: Place, before: unknown[], verb: Verb, value: unknown, path: string): unknown[] {
  const { attribute, filter, sub } = place;
  if (filter || sub) return chosenAfter(place, before, verb, value, path);
  if (verb === 'remove') return value === undefined || value === null ? [] : without(attribute, before, value);
  const given = (valueOf(attribute, value) ?? []) as unknown[];
  return onePrimary(attribute, verb === 'replace' ? given : joined(attribute, [...before, ...given]), given);
}

/** Some directories name what to remove by its value rather than in the path. */
function without(attribute: Attribute, before: unknown[], value: unknown): unknown[] {
  const keyOf = keyOfValues(attribute);
  const gone = new Set(((valueOf(attribute, value) ?? []) as unknown[]).map(keyOf));
  return before.filter((element) => !gone.has(keyOf(element)));
}

/** What makes two values of an attribute the same. A member is one whatever else is said of it. */
const keyOfValues =
  ({ name }: Attribute) =>
  (element: unknown): string => {
    if (!isObject(element)) return JSON.stringify(element);
    return JSON.stringify([element.value ?? element, name === 'members' ? '' : (element.type ?? '')]);
  };

/** Of any two that are the same, what was told last. */
const joined = (attribute: Attribute, elements: unknown[]): unknown[] => {
  const keyOf = keyOfValues(attribute);
  return [...new Map(elements.map((element) => [keyOf(element), element])).values()];
};

/** At most one value is the primary one: the one that was told last. */
function onePrimary(attribute: Attribute, elements: unknown[], given: unknown[]): unknown[] {
  const keyOf = keyOfValues(attribute);
  const chosen = given.findLast((element) => isObject(element) && element.primary === true);
  if (!chosen) return elements;
  const key = keyOf(chosen);
  return elements.map((element) =>
    isObject(element) && element.primary === true && keyOf(element) !== key ? { ...element, primary: false } : element,
  );
}

/** Changes those values that the brackets choose, or all. */
function chosenAfter(place: Place, before: unknown[], verb: Verb, value: unknown, path: string): unknown[] {
  const { attribute, filter, sub } = place;
  const chosen = new Set(filter ? before.filter((element) => matches(attribute, filter, element)) : before);
  const isChosen = (element: unknown): boolean => chosen.has(element);
  if (verb === 'remove') {
    if (!sub) return before.filter((element) => !isChosen(element));
    return before.map((element) => (isChosen(element) && isObject(element) ? withPart(element, sub, undefined) : element)); // prettier-ignore
  }
  const changed = (element: Values): Values => {
    if (sub) return withPart(element, sub, value);
    const given = elementOf(attribute, value);
    if (!isObject(given)) throw invalidValue(`${attribute.name} must be an object.`);
    return { ...element, ...given };
  };
  if (chosen.size > 0) {
    const after = before.map((element) => (isChosen(element) && isObject(element) ? changed(element) : element));
    return onePrimary(
      attribute,
      after,
      after.filter((_element, index) => isChosen(before[index])),
    );
  }
  // Entra ID replaces the work address of people who have none: where the filter says what it would be, it is made.
  const made = filter ? madeBy(attribute, filter) : {};
  if (!made) throw noTarget(path);
  return [...before, changed(made)];
}
