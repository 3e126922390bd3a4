/** One attribute of a resource, as RFC 7643, section 7, describes it. What is read, stored, filtered and shown goes by it. */
export interface Attribute {
  name: string;
  type: 'string' | 'boolean' | 'dateTime' | 'reference' | 'complex';
  description: string;
  multiValued: boolean;
  required: boolean;
  caseExact: boolean;
  mutability: 'readWrite' | 'readOnly' | 'immutable';
  returned: 'always' | 'default';
  uniqueness: 'none' | 'server';
  canonicalValues?: string[];
  referenceTypes?: string[];
  subAttributes?: Attribute[];
}

export interface Schema {
  id: string;
  name: string;
  description: string;
  attributes: Attribute[];
}

/** A kind of resource: its own schema, and one that extends it. */
export interface ResourceKind {
  name: 'User' | 'Group';
  endpoint: '/Users' | '/Groups';
  core: Schema;
  extension?: Schema;
}

function text(name: string, description: string, more: Partial<Attribute> = {}): Attribute {
  return {
    name,
    type: 'string',
    description,
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...more,
  };
}

const complex = (
  name: string,
  description: string,
  subAttributes: Attribute[],
  more: Partial<Attribute> = {},
): Attribute => text(name, description, { type: 'complex', subAttributes, ...more });

const primary = text('primary', 'Whether it is the preferred one', { type: 'boolean' });
const type = (...canonicalValues: string[]): Attribute => text('type', 'What it is for', { canonicalValues });
const several = { multiValued: true };

const name = complex('name', 'The parts of the name', [
  text('formatted', 'All of it'),
  text('familyName', 'Family name'),
  text('givenName', 'Given name'),
  text('middleName', 'Middle name'),
  text('honorificPrefix', 'Title before the name'),
  text('honorificSuffix', 'Title after the name'),
]);

const addresses = complex(
  'addresses',
  'Postal addresses',
  [
    text('formatted', 'All of it'),
    text('streetAddress', 'Street and number'),
    text('locality', 'City'),
    text('region', 'State or region'),
    text('postalCode', 'Postal code'),
    text('country', 'Country'),
    type('work', 'home', 'other'),
    primary,
  ],
  several,
);

const groups = complex(
  'groups',
  'The groups that the user is a member of',
  [
    text('value', 'Id of the group', { mutability: 'readOnly', caseExact: true }),
    text('$ref', 'Address of the group', { type: 'reference', mutability: 'readOnly', referenceTypes: ['Group'] }),
    text('display', 'Name of the group', { mutability: 'readOnly' }),
    text('type', 'Always direct', { mutability: 'readOnly', canonicalValues: ['direct'] }),
  ],
  { ...several, mutability: 'readOnly' },
);

const externalId = text('externalId', 'What the directory calls it', { caseExact: true, uniqueness: 'server' });

const USER_SCHEMA: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'A person of the organization',
  attributes: [
    text('userName', 'The login, unique in any case', { required: true, uniqueness: 'server' }),
    name,
    text('displayName', 'The name that is shown'),
    text('nickName', 'How the person is called'),
    text('profileUrl', 'A page about the person', { type: 'reference', referenceTypes: ['external'] }),
    text('title', 'Position in the organization'),
    text('userType', 'Relation to the organization'),
    text('preferredLanguage', 'As in Accept-Language'),
    text('locale', 'For numbers and dates'),
    text('timezone', 'As in the IANA database'),
    text('active', 'Whether the person may have access', { type: 'boolean' }),
    complex(
      'emails',
      'E-mail addresses',
      [text('value', 'The address'), text('display', 'As shown'), type('work', 'home', 'other'), primary],
      several,
    ),
    complex(
      'phoneNumbers',
      'Phone numbers',
      [
        text('value', 'The number'),
        text('display', 'As shown'),
        type('work', 'home', 'mobile', 'fax', 'other'),
        primary,
      ],
      several,
    ),
    addresses,
    complex(
      'roles',
      'What the directory calls roles: stored, and no role of Waypost',
      [text('value', 'The role'), text('display', 'As shown'), type(), primary],
      several,
    ),
    groups,
  ],
};

const ENTERPRISE_SCHEMA: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'A person at work',
  attributes: [
    text('employeeNumber', 'Number of the employee'),
    text('costCenter', 'Cost center'),
    text('organization', 'Organization'),
    text('division', 'Division'),
    text('department', 'Department'),
    complex('manager', 'Who leads the person', [
      text('value', 'Id of that user'),
      text('$ref', 'Address of that user', { type: 'reference', referenceTypes: ['User'] }),
      text('displayName', 'Name of that user'),
    ]),
  ],
};

const GROUP_SCHEMA: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'Some people of the organization',
  attributes: [
    text('displayName', 'The name, unique in any case: it can give a role', { required: true, uniqueness: 'server' }),
    complex(
      'members',
      'The users in it',
      [
        text('value', 'Id of the user', { mutability: 'immutable', caseExact: true }),
        text('$ref', 'Address of the user', { type: 'reference', mutability: 'immutable', referenceTypes: ['User'] }),
        text('display', 'Name of the user', { mutability: 'readOnly' }),
        text('type', 'Always User', { mutability: 'immutable', canonicalValues: ['User'] }),
      ],
      several,
    ),
  ],
};

export const USER: ResourceKind = {
  name: 'User',
  endpoint: '/Users',
  core: USER_SCHEMA,
  extension: ENTERPRISE_SCHEMA,
};
export const GROUP: ResourceKind = { name: 'Group', endpoint: '/Groups', core: GROUP_SCHEMA };

/** What every resource has (RFC 7643, section 3.1), and no schema lists. */
const COMMON: Attribute[] = [
  text('id', 'Id of the resource', { mutability: 'readOnly', caseExact: true, returned: 'always' }),
  externalId,
  text('schemas', 'Schemas of the resource', { multiValued: true, mutability: 'readOnly', returned: 'always' }),
  complex(
    'meta',
    'About the resource',
    [
      text('resourceType', 'User or Group', { mutability: 'readOnly', caseExact: true }),
      text('created', 'When it was made', { type: 'dateTime', mutability: 'readOnly' }),
      text('lastModified', 'When it last changed', { type: 'dateTime', mutability: 'readOnly' }),
      text('location', 'Its address', { type: 'reference', mutability: 'readOnly' }),
      text('version', 'Its entity tag', { mutability: 'readOnly', caseExact: true }),
    ],
    { mutability: 'readOnly' },
  ),
];

export const attributesOf = ({ core }: ResourceKind): Attribute[] => [...COMMON, ...core.attributes];

/** Names of attributes are the same in any case. */
export const named = (attributes: readonly Attribute[], name: string): Attribute | undefined =>
  attributes.find((attribute) => attribute.name.toLowerCase() === name.toLowerCase());

/** An attribute, or a part of one, by its path: `name.givenName`, with or without the URN of its schema. */
export interface Target {
  /** In the extension rather than in the resource itself. */
  extended: boolean;
  attribute: Attribute;
  sub?: Attribute;
}

/** @returns the rest of a path after the URN of a schema; '' where it is that URN and nothing more */
export function withoutUrn(kind: ResourceKind, path: string): { extended: boolean; rest: string } {
  const lower = path.toLowerCase();
  for (const [schema, extended] of [
    [kind.extension, true],
    [kind.core, false],
  ] as const) {
    // prettier-ignore
    const id = schema?.id.toLowerCase();
    if (id === undefined) continue;
    if (lower === id) return { extended, rest: '' };
    if (lower.startsWith(`${id}:`)) return { extended, rest: path.slice(id.length + 1) };
  }
  return { extended: false, rest: path };
}

/** @returns undefined for a path that leads nowhere */
export function targetOf(kind: ResourceKind, path: string): Target | undefined {
  const { extended, rest } = withoutUrn(kind, path);
  const [first = '', second, ...more] = rest.split('.');
  const attribute = named(extended ? (kind.extension?.attributes ?? []) : attributesOf(kind), first);
  if (!attribute || more.length > 0) return undefined;
  if (second === undefined) return { extended, attribute };
  const sub = named(attribute.subAttributes ?? [], second);
  return sub && { extended, attribute, sub };
}
