import { beforeAll, describe, expect, it } from '@jest/globals';
import { changes, type EventBody } from '../support/audit.js';
import { everything } from '../support/pages.js';
import { someEmail } from '../support/members.js';
import {
  Directory,
  ENTERPRISE,
  type ErrorBody,
  GROUP_SCHEMA,
  type GroupBody,
  type ListBody,
  patch,
  type ResourceBody,
  scimGroup,
  scimUser,
  USER_SCHEMA,
  type UserBody,
} from '../support/scim.js';
import { Caller, newTenant, type Tenant, underTest, unique } from '../support/waypost.js';

let tenant: Tenant;
let directory: Directory;
beforeAll(async () => {
  tenant = await newTenant();
  directory = await Directory.of(tenant);
});

describe('pages', () => {
  it('begin at startIndex, have count users, and tell how many there are', async () => {
    const own = await Directory.of(await newTenant());
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push((await scimUser(own)).id);
    const page = async (query: string) => (await own.send<ListBody>('GET', `/Users?${query}`)).body;
    const shown = ({ totalResults, startIndex, itemsPerPage, Resources }: ListBody) => [
      totalResults,
      startIndex,
      itemsPerPage,
      Resources.map(({ id }) => id),
    ];
    expect(shown(await page('startIndex=2&count=2'))).toEqual([5, 2, 2, ids.slice(1, 3)]);
    expect(shown(await page('startIndex=5&count=2'))).toEqual([5, 5, 1, ids.slice(4)]);
    expect(shown(await page('startIndex=6'))).toEqual([5, 6, 0, []]);
    expect(shown(await page('count=0'))).toEqual([5, 1, 0, []]);
    expect(shown(await page('count=-3'))).toEqual([5, 1, 0, []]);
    expect(shown(await page('startIndex=-1&count=999999'))).toEqual([5, 1, 5, ids]);
    expect(shown(await page('sortBy=userName&sortOrder=descending'))).toEqual([5, 1, 5, ids]);
    const bad = await own.send<ErrorBody>('GET', '/Users?count=x');
    expect(bad).toMatchObject({ status: 400, body: { scimType: 'invalidValue', code: 'invalid_input' } });
  });
});

describe('filters', () => {
  it('choose by every operator', async () => {
    const own = await Directory.of(await newTenant());
    const ada = await scimUser(own, {
      userName: 'ada@example.com',
      displayName: 'Ada "the" first\\',
      name: { givenName: 'Ada' },
      emails: [
        { value: 'ada@example.com', type: 'work' },
        { value: 'ada@home.example', type: 'home', primary: true },
      ],
    });
    const bob = await scimUser(own, { userName: 'bob%_@example.com', active: false, title: 'Clerk' });
    const group = await scimGroup(own, { members: [{ value: ada.id }] });
    const cases: Array<[string, string[]]> = [
      ['userName eq "ADA@example.com"', [ada.id]],
      ['USERNAME EQ "ada@example.com"', [ada.id]],
      ['userName ne "ada@example.com"', [bob.id]],
      ['userName co "%_"', [bob.id]],
      ['userName co "_@"', [bob.id]],
      ['userName sw "AD"', [ada.id]],
      ['userName ew "example.COM"', [ada.id, bob.id]],
      ['userName gt "b"', [bob.id]],
      ['userName le "b"', [ada.id]],
      ['title pr', [bob.id]],
      ['not (title pr)', [ada.id]],
      ['not (title eq "clerk")', [ada.id]],
      ['title eq null', [ada.id]],
      ['name pr', [ada.id]],
      ['name.givenName eq "ada" and active eq true', [ada.id]],
      ['active eq false or title pr', [bob.id]],
      ['active eq "False"', [bob.id]],
      ['title pr or active eq true and userName sw "zzz"', [bob.id]],
      ['(title pr or active eq true) and userName sw "a"', [ada.id]],
      ['displayName eq "Ada \\"the\\" first\\\\"', [ada.id]],
      ['emails co "home.example"', [ada.id]],
      ['emails.type eq "work"', [ada.id]],
      ['emails[type eq "work" and primary eq true]', []],
      ['emails[type eq "home" and primary eq true]', [ada.id]],
      ['emails pr', [ada.id]],
      [`groups.value eq "${group.id}"`, [ada.id]],
      [`groups[display eq "${group.displayName}"]`, [ada.id]],
      [`id eq "${bob.id}"`, [bob.id]],
      ['id eq "nobody"', []],
      [`meta.created ge "${ada.meta.created}" and meta.lastModified gt "2020-01-01T00:00:00Z"`, [ada.id, bob.id]],
      [`meta.created lt "${ada.meta.created}"`, []],
      [`${USER_SCHEMA}:userName sw "ada"`, [ada.id]],
      [`${ENTERPRISE}:manager.value pr`, []],
    ];
    for (const [filter, ids] of cases) {
      const { status, body, text } = await own.search('Users', filter);
      expect([filter, status, status === 200 ? body.Resources.map(({ id }) => id) : text]).toEqual([filter, 200, ids]);
    }
    const groups = await own.search<GroupBody>('Groups', `members[value eq "${ada.id}"] or displayName pr`);
    expect(groups.body.Resources.map(({ id }) => id)).toEqual([group.id]);
  });

  it.each([
    'userName',
    'userName eq',
    'userName eq "a',
    'userName is "a"',
    'userName eq "a" and',
    '(userName eq "a"',
    'userName eq "a")',
    'unknown eq "a"',
    'name eq "a"',
    'name.unknown eq "a"',
    'emails[unknown eq "a"]',
    'emails[emails[value eq "a"]]',
    'userName[value eq "a"]',
    'active gt true',
    'active eq "maybe"',
    'userName eq 1',
    'meta.created gt "yesterday"',
    'meta.created gt "0000-12-31T23:59:59Z"',
    'meta.created gt "+010000-01-01T00:00:00Z"',
    'userName eq "\\u0000"',
    'emails[value eq "\\ud800"]',
    'password eq "a"',
    `userName eq "a'; DROP TABLE scim_users; --`,
    `${'('.repeat(12)}userName pr${')'.repeat(12)}`,
    Array.from({ length: 60 }, () => 'title pr').join(' or '),
    `userName eq "${'\n'.repeat(1_000)}`,
    '',
  ])('that can not be read are refused: %j', async (filter) => {
    const answer = await directory.search<ErrorBody>('Users', filter);
    expect(answer).toMatchObject({
      status: 400,
      body: { status: '400', scimType: 'invalidFilter', code: 'invalid_filter' },
    });
  });
});

describe('versions', () => {
  it('spare a reader what it has, and keep a writer from what it has not seen', async () => {
    const user = await scimUser(directory);
    const path = `/Users/${user.id}`;
    const read = await directory.send('GET', path);
    expect(read.headers.etag).toBe(user.meta.version);
    for (const known of [user.meta.version, user.meta.version.replace('W/', ''), `"x", ${user.meta.version}`, '*']) {
      const again = await directory.send('GET', path, undefined, { 'if-none-match': known });
      expect([known, again.status, again.text]).toEqual([known, 304, '']);
    }
    const first = await directory.send('PATCH', path, patch({ op: 'add', path: 'title', value: 'x' }), {
      'if-match': user.meta.version,
    });
    expect([first.status, first.headers.etag]).toEqual([200, 'W/"2"']);
    for (const [method, body] of [
      ['PUT', { userName: user.userName }],
      ['PATCH', patch({ op: 'remove', path: 'title' })],
      ['DELETE', undefined],
    ] as const) {
      // prettier-ignore
      const late = await directory.send<ErrorBody>(method, path, body, { 'if-match': user.meta.version });
      expect(late).toMatchObject({ status: 412, body: { status: '412', code: 'changed_meanwhile' } });
    }
    expect((await directory.send('GET', path, undefined, { 'if-none-match': user.meta.version })).body.title).toBe('x');
    expect((await directory.send('DELETE', path, undefined, { 'if-match': 'W/"2"' })).status).toBe(204);
  });

  it('stay as they are when nothing changes, and change with the groups that are shown', async () => {
    const user = await scimUser(directory, { title: 'x' });
    const same = await directory.send(
      'PATCH',
      `/Users/${user.id}`,
      patch({ op: 'replace', path: 'title', value: 'x' }),
    );
    expect(same.body.meta).toEqual(user.meta);
    const group = await scimGroup(directory, { members: [{ value: user.id }] });
    const joined = await directory.send('GET', `/Users/${user.id}`);
    expect(joined.body).toMatchObject({ groups: [{ value: group.id, type: 'direct' }], meta: { version: 'W/"2"' } });
    await directory.send('DELETE', `/Groups/${group.id}`);
    const left = await directory.send('GET', `/Users/${user.id}`);
    expect([left.body.groups, left.body.meta.version]).toEqual([undefined, 'W/"3"']);
  });
});

describe('attributes', () => {
  it('are those that are asked for, with id and schemas', async () => {
    const user = await scimUser(directory, {
      name: { givenName: 'Ada', familyName: 'L' },
      emails: [{ value: someEmail(), type: 'work' }],
      [ENTERPRISE]: { department: 'D', division: 'E' },
    });
    const get = async (query: string) => (await directory.send<ResourceBody>('GET', `/Users/${user.id}?${query}`)).body;
    const { id, schemas } = user;
    expect(await get('attributes=userName,NAME.givenname')).toEqual({ id, schemas, userName: user.userName, name: { givenName: 'Ada' } }); // prettier-ignore
    expect(await get(`attributes=${ENTERPRISE}:department,emails.type`)).toEqual({ id, schemas, emails: [{ type: 'work' }], [ENTERPRISE]: { department: 'D' } }); // prettier-ignore
    expect(await get(`attributes=${ENTERPRISE}`)).toEqual({
      id,
      schemas,
      [ENTERPRISE]: { department: 'D', division: 'E' },
    });
    expect(await get('attributes=unknown')).toEqual({ id, schemas });
    const rest = await get('excludedAttributes=id,meta,emails,name.familyName');
    expect(rest).toEqual({ id, schemas, userName: user.userName, active: true, name: { givenName: 'Ada' }, [ENTERPRISE]: { department: 'D', division: 'E' } }); // prettier-ignore
  });

  it('are known in any case, and those that are not known or not to be written are left out', async () => {
    const userName = someEmail();
    const user = await scimUser(directory, {
      USERNAME: userName,
      userName: undefined,
      Name: { GIVENNAME: 'Ada' },
      id: 'x',
      meta: { version: 'x' },
      groups: [{ value: 'x' }],
      __unknown: { a: 1 },
    });
    expect(user).toMatchObject({ userName, name: { givenName: 'Ada' }, meta: { version: 'W/"1"' } });
    expect(user.groups).toBeUndefined();
    expect(user.id).toMatch(/^mem_/);
  });

  it.each([
    [{}, 'invalidValue'],
    [{ userName: '' }, 'invalidValue'],
    [{ userName: 5 }, 'invalidValue'],
    [{ userName: 'x'.repeat(300) }, 'invalidValue'],
    [{ userName: 'x', active: 'maybe' }, 'invalidValue'],
    [{ userName: 'x', name: 'Ada' }, 'invalidValue'],
    [{ userName: 'x', emails: [5] }, 'invalidValue'],
    [{ userName: 'x', displayName: 'x'.repeat(3_000) }, 'invalidValue'],
    [{ userName: 'x', displayName: 'a\u0000b' }, 'invalidValue'],
    [{ userName: 'x', emails: Array.from({ length: 101 }, (_, n) => ({ value: `${n}@a.example` })) }, 'invalidValue'],
  ])('that can not be are refused: %j', async (body, scimType) => {
    const answer = await directory.send<ErrorBody>('POST', '/Users', body);
    expect(answer).toMatchObject({ status: 400, body: { status: '400', scimType } });
  });
});

describe('patches', () => {
  it.each([
    [{ op: 'replace', path: 'id', value: 'x' }, 'mutability'],
    [{ op: 'replace', path: 'groups', value: [] }, 'mutability'],
    [{ op: 'remove', path: 'meta.version' }, 'mutability'],
    [{ op: 'replace', path: 'unknown', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 'name.unknown', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 'emails[type eq "work"', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 'emails[type is "work"].value', value: 'x' }, 'invalidFilter'],
    [{ op: 'replace', path: '__proto__.polluted', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 'constructor.prototype', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 'emails[type ne "work"].value', value: 'x' }, 'noTarget'],
    [{ op: 'remove' }, 'noTarget'],
    [{ op: 'replace', value: 'x' }, 'invalidValue'],
    [{ op: 'replace', path: 'title' }, 'invalidValue'],
    [{ op: 'move', path: 'title', value: 'x' }, 'invalidValue'],
    [{ op: 'remove', path: 'userName' }, 'invalidValue'],
    [{ op: 'replace', path: 'active', value: 'x' }, 'invalidValue'],
  ])('that can not be are refused, and change nothing: %j', async (operation, scimType) => {
    const user = await scimUser(directory, { emails: [{ type: 'work', value: someEmail() }] });
    const body = patch({ op: 'add', path: 'title', value: 'not kept' }, operation);
    const answer = await directory.send<ErrorBody>('PATCH', `/Users/${user.id}`, body);
    expect(answer).toMatchObject({ status: 400, body: { scimType } });
    expect((await directory.send('GET', `/Users/${user.id}`)).body).toEqual(user);
  });

  it('keep one value the primary one, and hold no value twice', async () => {
    const [one, two] = [someEmail(), someEmail()];
    const user = await scimUser(directory, { emails: [{ type: 'work', value: one, primary: true }] });
    const add = (value: object) =>
      directory.send('PATCH', `/Users/${user.id}`, patch({ op: 'add', path: 'emails', value }));
    await add([{ type: 'home', value: two, primary: true }]);
    const { body } = await add({ type: 'home', value: two, primary: true });
    expect(body.emails).toEqual([
      { type: 'work', value: one, primary: false },
      { type: 'home', value: two, primary: true },
    ]);
  });

  it.each([[{}], [{ Operations: [] }], [{ Operations: 'x' }], [{ Operations: [{ path: 'title' }] }], [[]], ['x']])(
    'that are none are refused: %j',
    async (body) => {
      const user = await scimUser(directory);
      const answer = await directory.send<ErrorBody>('PATCH', `/Users/${user.id}`, body);
      expect([answer.status, answer.body.status]).toEqual([400, '400']);
    },
  );
});

describe('groups', () => {
  it('have users of this tenant as members, and nothing else', async () => {
    const stranger = await scimUser(await newTenant());
    for (const members of [
      [{ value: stranger.id }],
      [{ value: 'mem_01h455vb4pex5vsknk084sn02q' }],
      [{ value: 'x' }],
      [{ value: (await scimGroup(directory)).id, type: 'Group' }],
    ]) {
      const displayName = unique('g');
      const answer = await directory.send<ErrorBody>('POST', '/Groups', { displayName, members });
      expect(answer).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
      expect((await directory.search('Groups', `displayName eq "${displayName}"`)).body.totalResults).toBe(0);
    }
  });

  it('have names and external ids of their own', async () => {
    const group = await scimGroup(directory, { externalId: unique('e') });
    for (const same of [
      { displayName: group.displayName.toUpperCase() },
      { displayName: unique('g'), externalId: group.externalId },
    ]) {
      const answer = await directory.send<ErrorBody>('POST', '/Groups', { schemas: [GROUP_SCHEMA], ...same });
      expect(answer).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
    }
  });

  it('keep everybody when many are added at once by many', async () => {
    const group = await scimGroup(directory);
    const users = await Promise.all(Array.from({ length: 12 }, () => scimUser(directory)));
    const answers = await Promise.all(
      users.map(({ id }) =>
        directory.send('PATCH', `/Groups/${group.id}`, patch({ op: 'Add', path: 'members', value: [{ value: id }] })),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const { members } = (await directory.send<GroupBody>('GET', `/Groups/${group.id}`)).body;
    expect(members.map(({ value }) => value).toSorted()).toEqual(users.map(({ id }) => id).toSorted());
  });
});

describe('the service', () => {
  it('says truthfully what it can do', async () => {
    const { body } = await directory.send<Record<string, { supported?: boolean; maxResults?: number }>>(
      'GET',
      '/ServiceProviderConfig',
    );
    expect(body).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      filter: { supported: true, maxResults: 200 },
      bulk: { supported: false },
      sort: { supported: false },
      etag: { supported: true },
      changePassword: { supported: false },
      authenticationSchemes: [{ type: 'oauthbearertoken' }],
    });
    expect((await directory.send<ErrorBody>('POST', '/Bulk', { Operations: [] })).status).toBe(404);
    expect((await directory.send<ListBody>('GET', '/Users?count=500')).body.itemsPerPage).toBeLessThanOrEqual(200);
  });

  it('lists its types of resources and its schemas, and gives each by its id', async () => {
    const types = (await directory.send<ListBody>('GET', '/ResourceTypes')).body;
    expect(types.Resources).toMatchObject([
      {
        id: 'User',
        endpoint: '/Users',
        schema: USER_SCHEMA,
        schemaExtensions: [{ schema: ENTERPRISE, required: false }],
      },
      { id: 'Group', endpoint: '/Groups', schema: GROUP_SCHEMA },
    ]);
    const schemas = (await directory.send<ListBody>('GET', '/Schemas')).body;
    expect(schemas.Resources.map(({ id }) => id)).toEqual([USER_SCHEMA, ENTERPRISE, GROUP_SCHEMA]);
    for (const { id } of schemas.Resources) {
      expect((await directory.send('GET', `/Schemas/${id}`)).body).toMatchObject({ id, attributes: expect.any(Array) });
    }
    expect((await directory.send<ErrorBody>('GET', '/ResourceTypes/Device')).body.code).toBe('schema_not_found');
  });

  it('has every attribute that it lists: what is written comes back', async () => {
    const { Resources } = (await directory.send<ListBody>('GET', '/Schemas')).body;
    const value = (attribute: {
      name: string;
      type: string;
      multiValued: boolean;
      subAttributes?: never[];
    }): unknown => {
      const parts = (attribute.subAttributes ?? []) as Array<typeof attribute & { mutability: string }>;
      const one =
        parts.length > 0
          ? Object.fromEntries(parts.map((part) => [part.name, value(part)]))
          : attribute.type === 'boolean' || unique(attribute.name);
      return attribute.multiValued ? [one] : one;
    };
    const writable = (id: string) =>
      (
        (Resources.find((schema) => schema.id === id)?.attributes ?? []) as Array<
          Parameters<typeof value>[0] & { mutability: string }
        >
      )
        .filter(({ mutability }) => mutability !== 'readOnly')
        .map((attribute) => [attribute.name, value(attribute)] as const);
    const input = {
      ...Object.fromEntries(writable(USER_SCHEMA)),
      [ENTERPRISE]: Object.fromEntries(writable(ENTERPRISE)),
    };
    const user = await scimUser(directory, input);
    expect(user).toMatchObject(input);
  });

  it('speaks JSON by either name, and answers errors in its own terms', async () => {
    const body = { userName: someEmail() };
    const raw = JSON.stringify(body);
    const json = await directory.ask<UserBody>('POST', '/scim/v2/Users', { raw });
    expect([json.status, json.headers['content-type']]).toEqual([201, 'application/scim+json; charset=utf-8']);
    const errors: Array<[Promise<{ status: number; body: ErrorBody; headers: object }>, number, string]> = [
      [directory.ask('POST', '/scim/v2/Users', { raw: '{', headers: { 'content-type': 'application/scim+json' } }), 400, 'malformed_body'],
      [directory.ask('POST', '/scim/v2/Users', { raw: 'x', headers: { 'content-type': 'text/plain' } }), 415, 'unsupported_media_type'],
      [directory.ask('POST', '/scim/v2/Users', { raw: JSON.stringify({ userName: 'x'.repeat(300_000) }) }), 413, 'body_too_large'],
      [directory.ask('GET', '/scim/v2/Devices'), 404, 'not_found'],
      [directory.ask('PUT', '/scim/v2/Users', { body: {} }), 405, 'method_not_allowed'],
      [new Caller('wrong').ask('GET', '/scim/v2/Users'), 401, 'unauthenticated'],
      [new Caller(underTest.platformKey).ask('GET', '/scim/v2/Users'), 403, 'forbidden'],
    ]; // prettier-ignore
    for (const [answer, status, code] of errors) {
      const { headers, ...seen } = await answer;
      expect(seen).toMatchObject({ status, body: { status: String(status), code } });
      expect(headers).toMatchObject({ 'content-type': 'application/scim+json; charset=utf-8' });
    }
    // Elsewhere it is no type of ours.
    const links = { raw: '{"url":"https://example.com/"}', headers: { 'content-type': 'application/scim+json' } };
    expect(await tenant.ask('POST', '/v1/links', links)).toBeProblem(415, 'unsupported_media_type');
  });

  it('opens nothing else to a key of SCIM, and nothing of SCIM to other keys', async () => {
    for (const path of ['/v1/members', '/v1/links', '/v1/provisioning', '/v1/api-keys']) {
      expect((await directory.get<ErrorBody>(path)).status).toBe(403);
    }
    const reader = await tenant.post<{ apiKey: string }>('/v1/api-keys', { name: 'r', scopes: ['scim:read'] });
    const caller = new Caller(reader.body.apiKey);
    expect((await caller.get('/scim/v2/Users')).status).toBe(200);
    expect((await caller.post('/scim/v2/Users', { userName: 'x' })).status).toBe(403);
  });

  it('repeats a POST with the same Idempotency-Key, its headers included', async () => {
    const headers = { 'idempotency-key': unique() };
    const body = { userName: someEmail() };
    const first = await directory.send('POST', '/Users', body, headers);
    const again = await directory.send('POST', '/Users', body, headers);
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([201, 'true']);
    expect(again.body).toEqual(first.body);
    expect([again.headers.location, again.headers.etag]).toEqual([first.headers.location, first.headers.etag]);
  });

  it('writes every change into the audit trail, as the key that made it', async () => {
    const own = await newTenant();
    const from = await Directory.of(own);
    const user = await scimUser(from, { displayName: 'Ada' });
    await from.send('PATCH', `/Users/${user.id}`, patch({ op: 'replace', value: { active: false } }));
    const group = await scimGroup(from, { members: [{ value: user.id }] });
    await from.send('PATCH', `/Groups/${group.id}`, patch({ op: 'remove', path: 'members' }));
    await from.send('DELETE', `/Groups/${group.id}`);
    await from.send('DELETE', `/Users/${user.id}`);
    const events = (await changes(own)).filter(({ action }) => /^(scim_|member\.)/.test(action));
    expect(
      events.map(({ action, target }) => `${action} ${target.id === group.id ? 'group' : 'user'}`).toReversed(),
    ).toEqual([
      'member.provisioned user',
      'scim_user.created user',
      'member.updated user',
      'scim_user.updated user',
      'scim_group.created group',
      'scim_group.updated group',
      'scim_group.deleted group',
      'member.removed user',
      'scim_user.deleted user',
    ]);
    expect(new Set(events.map(({ actor }) => actor)).size).toBe(1);
    expect(events[0]?.actor).toMatch(/^key_/);
  });

  it('writes of a person who they are and what was changed of them, and nothing else', async () => {
    const own = await newTenant();
    const from = await Directory.of(own);
    const phoneNumbers = [{ type: 'work', value: '+1-555-0100' }];
    const addresses = [{ type: 'home', streetAddress: '1 Secret Street' }];
    const { id, userName } = await scimUser(from, { externalId: 'x1', phoneNumbers, addresses });
    const change = patch({ op: 'replace', path: 'phoneNumbers', value: [{ type: 'work', value: '+1-555-0199' }] });
    expect((await from.send('PATCH', `/Users/${id}`, change)).status).toBe(200);
    expect((await from.send('DELETE', `/Users/${id}`)).status).toBe(204);

    const events = await everything<EventBody>(own, `/v1/audit-events?target=${id}`);
    const known = { userName, externalId: 'x1', active: true };
    expect(
      events
        .filter(({ action }) => action.startsWith('scim_user.'))
        .map(({ action, before, after }) => [action, before, after]),
    ).toEqual([
      ['scim_user.deleted', known, null],
      ['scim_user.updated', known, { ...known, changed: ['phoneNumbers'] }],
      [
        'scim_user.created',
        null,
        { ...known, changed: ['userName', 'externalId', 'active', 'phoneNumbers', 'addresses'] },
      ],
    ]);
    expect(JSON.stringify(events)).not.toMatch(/555-01|Secret Street/);
  });

  it('writes into the audit trail who read the people, once for all pages, and not who found nobody', async () => {
    const own = await newTenant();
    const from = await Directory.of(own);
    await scimUser(from);
    await scimUser(from);
    for (const startIndex of [1, 2]) await from.send('GET', `/Users?count=1&startIndex=${startIndex}`);
    await from.send('GET', `/Users?filter=${encodeURIComponent(`userName eq "${unique()}@nobody.example"`)}`);
    const events = await everything<EventBody>(own, '/v1/audit-events?action=scim_user.listed');
    expect(events.map(({ actor, target }) => [actor.slice(0, 4), target.id])).toEqual([['key_', own.tenantId]]);
  });
});
