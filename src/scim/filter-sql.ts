import { publicId } from '../platform/ids.js';
import type { Comparison, Filter, Value } from './filter.js';
import { type Attribute, named, type ResourceKind, type Target, targetOf } from './scim-attributes.js';
import { invalidFilter } from './scim.errors.js';

/** A condition, whose parameters are `$first`, `$first + 1`, … */
export interface Condition {
  sql: string;
  parameters: unknown[];
}

/** Where the attributes of a resource are kept that have a column or a table of their own. */
export interface Columns {
  /** By lower-case path. */
  columns: Readonly<Record<string, string>>;
  /** The jsonb column of all others; absent where there are none. */
  document?: string;
  /** Multi-valued attributes that are rows: FROM and WHERE, and the columns of their parts. */
  rows: Readonly<Record<string, { from: string; columns: Readonly<Record<string, string>> }>>;
}

type Compared = Exclude<Filter, { op: 'and' | 'or' | 'not' | 'some' }>;

const ORDER: Partial<Record<Comparison, string>> = { gt: '>', ge: '>=', lt: '<', le: '<=' };

// Names of attributes are constants of ours: the only texts that are written into the statement.
const literal = (name: string): string => `'${name.replaceAll("'", "''")}'`;

class Compiler {
  readonly parameters: unknown[] = [];

  constructor(
    private readonly kind: ResourceKind,
    private readonly where: Columns,
    private readonly first: number,
  ) {}

  compile(filter: Filter): string {
    return this.logical(filter, (inner) => this.compile(inner), (term) => this.term(term)); // prettier-ignore
  }

  private logical(filter: Filter, inner: (filter: Filter) => string, term: (term: Compared) => string): string {
    switch (filter.op) {
      case 'and':
      case 'or':
        return `(${filter.filters.map(inner).join(filter.op === 'and' ? ' AND ' : ' OR ')})`;
      case 'not':
        return `NOT coalesce(${inner(filter.filter)}, false)`;
      case 'some':
        return this.some(this.target(filter.path), filter.filter);
      default:
        return term(filter);
    }
  }

  private target(path: string): Target {
    const target = targetOf(this.kind, path);
    if (!target) throw invalidFilter(`There is no attribute ${path.slice(0, 100)}.`);
    return target;
  }

  private term(term: Compared): string {
    const target = this.target(term.path);
    const { attribute, sub } = target;
    if (attribute.multiValued) {
      if (term.op === 'pr' && !sub) return this.anyOf(target, () => 'true');
      const part = sub ?? named(attribute.subAttributes ?? [], 'value');
      if (!part) throw invalidFilter(`${attribute.name} can not be filtered by.`);
      return this.anyOf(target, (element) => this.compared(element(part), part, term));
    }
    if (attribute.type === 'complex' && !sub) {
      if (term.op !== 'pr') throw invalidFilter(`Say which part of ${attribute.name} is meant.`);
      return `${this.documentPath(target)} IS NOT NULL`;
    }
    return this.compared(this.single(target), sub ?? attribute, term);
  }

  private some(target: Target, filter: Filter): string {
    const { attribute, sub } = target;
    if (!attribute.multiValued || sub) throw invalidFilter(`${attribute.name} has no values to choose from.`);
    return this.anyOf(target, (element) => this.within(attribute, element, filter));
  }

  private within(attribute: Attribute, element: (part: Attribute) => string, filter: Filter): string {
    const inner = (one: Filter): string => this.within(attribute, element, one);
    if (filter.op === 'some') throw invalidFilter('Brackets can not stand within brackets.');
    return this.logical(filter, inner, (term) => {
      const part = named(attribute.subAttributes ?? [], term.path);
      if (!part) throw invalidFilter(`${attribute.name} has no ${term.path.slice(0, 100)}.`);
      return this.compared(element(part), part, term);
    });
  }

  private anyOf(target: Target, condition: (element: (part: Attribute) => string) => string): string {
    const { attribute } = target;
    const rows = this.where.rows[attribute.name.toLowerCase()];
    if (rows) {
      const column = (part: Attribute): string => {
        const found = rows.columns[part.name.toLowerCase()];
        if (found === undefined) throw invalidFilter(`${attribute.name}.${part.name} can not be filtered by.`);
        return found;
      };
      return `EXISTS (SELECT ${rows.from} AND ${condition(column)})`;
    }
    const list = this.documentPath({ extended: target.extended, attribute });
    const elements = `jsonb_array_elements(${list}) AS e`;
    return `EXISTS (SELECT FROM ${elements} WHERE ${condition((part) => `e->>${literal(part.name)}`)})`;
  }

  private single(target: Target): string {
    const { extended, attribute, sub } = target;
    const path = [attribute, ...(sub ? [sub] : [])].map(({ name }) => name.toLowerCase()).join('.');
    const column = extended ? undefined : this.where.columns[path];
    return column ?? this.documentPath(target);
  }

  private documentPath({ extended, attribute, sub }: Target): string {
    const { document } = this.where;
    if (document === undefined || (!extended && NOT_STORED.has(attribute.name))) {
      throw invalidFilter(`${attribute.name} can not be filtered by.`);
    }
    const names = [...(extended && this.kind.extension ? [this.kind.extension.id] : []), attribute.name];
    const whole = attribute.type === 'complex' && !sub;
    const path = [...names, ...(sub ? [sub.name] : [])].map(literal);
    const last = path.pop() ?? '';
    return [document, ...path].join('->') + (whole || attribute.multiValued ? '->' : '->>') + last;
  }

  private compared(sql: string, attribute: Attribute, term: Compared): string {
    if (term.op === 'pr') return `${sql} IS NOT NULL`;
    const { op, value } = term;
    if (value === null) return nullness(op, sql);
    if (ID.has(sql)) return this.sameId(sql, op, value);
    if (attribute.type === 'boolean') return this.sameTruth(sql, op, value);
    if (attribute.type === 'dateTime') return this.time(sql, op, value);
    if (typeof value !== 'string') throw invalidFilter(`${attribute.name} is compared with texts.`);
    return this.text(attribute.caseExact, sql, op, value);
  }

  private text(caseExact: boolean, sql: string, op: Comparison, value: string): string {
    const [left, right] = [sql, `${this.parameter(value)}::text`].map((one) => (caseExact ? one : `lower(${one})`));
    switch (op) {
      case 'eq':
        return `${left} = ${right}`;
      case 'ne':
        return `${left} IS DISTINCT FROM ${right}`;
      case 'co':
        return `position(${right} in ${left}) > 0`;
      case 'sw':
        return `starts_with(${left}, ${right})`;
      case 'ew':
        return `right(${left}, length(${right})) = ${right}`;
      default:
        return `${left} COLLATE "C" ${ORDER[op]} ${right}`;
    }
  }

  /** An id that is none belongs to nobody. */
  private sameId(sql: string, op: Comparison, value: Value): string {
    if (op !== 'eq' && op !== 'ne') throw invalidFilter('Ids are compared with eq and ne.');
    const id = [publicId('mem'), publicId('grp')].map((kind) => kind.safeParse(value).data).find(Boolean);
    if (id === undefined) return op === 'eq' ? 'false' : 'true';
    return `${sql} ${op === 'eq' ? '=' : '<>'} ${this.parameter(id)}::uuid`;
  }

  private sameTruth(sql: string, op: Comparison, value: Value): string {
    const truth = typeof value === 'boolean' ? value : { true: true, false: false }[String(value).toLowerCase()];
    if (truth === undefined || (op !== 'eq' && op !== 'ne')) {
      throw invalidFilter('Truths are compared with true and false, by eq and ne.');
    }
    return `(${sql})::boolean IS ${op === 'eq' ? '' : 'DISTINCT FROM '}${truth}`;
  }

  private time(sql: string, op: Comparison, value: Value): string {
    const time = typeof value === 'string' ? new Date(value) : new Date(NaN);
    const sign = { ...ORDER, eq: '=', ne: '<>' }[op];
    const year = time.getUTCFullYear();
    // PostgreSQL reads no year 0, and no year of more than four digits as JavaScript writes them.
    if (!(year >= 1 && year <= 9999) || sign === undefined) {
      throw invalidFilter('Times are compared with times such as "2026-01-01T00:00:00Z", by their order.');
    }
    // What is shown has milliseconds.
    return `date_trunc('milliseconds', ${sql}) ${sign} ${this.parameter(time.toISOString())}::timestamptz`;
  }

  private parameter(value: unknown): string {
    this.parameters.push(value);
    return `$${this.first + this.parameters.length - 1}`;
  }
}

/** Columns that hold UUIDs, and are shown as public ids. */
const ID: ReadonlySet<string> = new Set(['u.id', 'g.id', 'm.user_id', 'm.group_id']);
const NOT_STORED: ReadonlySet<string> = new Set([
  'id',
  'externalId',
  'schemas',
  'meta',
  'userName',
  'active',
  'groups',
]);

function nullness(op: Comparison, sql: string): string {
  if (op === 'eq') return `${sql} IS NULL`;
  if (op === 'ne') return `${sql} IS NOT NULL`;
  throw invalidFilter('null is compared with eq and ne.');
}

/** @throws DomainError 400 `invalid_filter` */
export function filterToSql(kind: ResourceKind, where: Columns, filter: Filter, first: number): Condition {
  const compiler = new Compiler(kind, where, first);
  return { sql: compiler.compile(filter), parameters: compiler.parameters };
}
