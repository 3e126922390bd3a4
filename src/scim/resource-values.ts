import { type Attribute, attributesOf, named, type ResourceKind } from './scim-attributes.js';
import { invalidValue } from './scim.errors.js';

/** The attributes of a resource that can be written, by their names as the schema has them. */
export type Values = Record<string, unknown>;

const MOST_CHARACTERS = 2_000;
/** Of a multi-valued attribute, except for the members of a group. */
const MOST_VALUES = 100;
/** Of one group. */
const MOST_MEMBERS = 10_000;

export const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Entra ID sends truths as texts: "True". */
function truth(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value;
  const known = { true: true, false: false }[String(value).toLowerCase()];
  if (known === undefined) throw invalidValue(`${name} must be true or false.`);
  return known;
}

function textOf(value: unknown, name: string): string | undefined {
  if (typeof value !== 'string') throw invalidValue(`${name} must be a text.`);
  if (value.length > MOST_CHARACTERS) throw invalidValue(`${name} has more than ${MOST_CHARACTERS} characters.`);
  return value === '' ? undefined : value;
}

/** One value of an attribute; undefined where there is none. */
export function valueOf(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (attribute.multiValued) return severalOf(attribute, value);
  return elementOf(attribute, value);
}

function severalOf(attribute: Attribute, value: unknown): unknown {
  const elements = (Array.isArray(value) ? value : [value])
    .map((element: unknown) => elementOf(attribute, element))
    .filter((element) => element !== undefined);
  refuseTooMany(attribute, elements);
  return elements.length === 0 ? undefined : elements;
}

/** @throws DomainError 400 for more values than an attribute may have */
export function refuseTooMany({ name }: Attribute, values: readonly unknown[]): void {
  if (name === 'members') {
    if (values.length > MOST_MEMBERS) throw invalidValue(`A group has at most ${MOST_MEMBERS} members.`);
  } else if (values.length > MOST_VALUES) throw invalidValue(`${name} has more than ${MOST_VALUES} values.`);
}

/** A single value, or one of several. A text where an object should be is its `value`: so Entra ID sends managers. */
export function elementOf(attribute: Attribute, value: unknown): unknown {
  if (value === null) return undefined;
  if (attribute.type === 'boolean') return truth(value, attribute.name);
  const { subAttributes } = attribute;
  if (!subAttributes) return textOf(value, attribute.name);
  const given = typeof value === 'string' && named(subAttributes, 'value') ? { value } : value;
  if (!isObject(given)) throw invalidValue(`${attribute.name} must be an object.`);
  const known = pick(subAttributes, given);
  return Object.keys(known).length === 0 ? undefined : known;
}

/** Of an object, what these attributes allow to write. What is not known is left out: every directory sends more. */
function pick(attributes: readonly Attribute[], given: Values): Values {
  const entries = Object.entries(given).flatMap(([key, value]) => {
    const attribute = named(attributes, key);
    if (!attribute || attribute.mutability === 'readOnly') return [];
    const known = valueOf(attribute, value);
    return known === undefined ? [] : [[attribute.name, known] as const];
  });
  return Object.fromEntries(entries);
}

/** A whole resource as somebody has sent it: what can be written of it, in canonical form. */
export function readResource(kind: ResourceKind, body: Values): Values {
  const { extension } = kind;
  const values = pick(attributesOf(kind), body);
  if (!extension) return values;
  const [, given] = Object.entries(body).find(([key]) => key.toLowerCase() === extension.id.toLowerCase()) ?? [];
  if (given === undefined || given === null) return values;
  if (!isObject(given)) throw invalidValue(`${extension.id} must be an object.`);
  const extended = pick(extension.attributes, given);
  return Object.keys(extended).length === 0 ? values : { ...values, [extension.id]: extended };
}
