import { beforeAll, describe, expect, it } from '@jest/globals';
import { type MemberBody, someEmail } from '../support/members.js';
import { everything } from '../support/pages.js';
import {
  Directory,
  type ErrorBody,
  GROUP_SCHEMA,
  type GroupBody,
  type ListBody,
  PATCH_OP,
  scimGroup,
  scimUser,
  USER_SCHEMA,
  type UserBody,
} from '../support/scim.js';
import { newTenant, type Tenant, unique } from '../support/waypost.js';

let tenant: Tenant;
let okta: Directory;
beforeAll(async () => {
  tenant = await newTenant();
  await tenant.ask('PUT', '/v1/provisioning', { body: { groupRoles: { Marketing: 'editor' }, defaultRole: 'viewer' } });
  okta = await Directory.of(tenant);
});

/** As Okta creates somebody: developer.okta.com, "SCIM protocol reference". */
const oktaUser = (userName: string) => ({
  schemas: [USER_SCHEMA],
  userName,
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  emails: [{ primary: true, value: userName, type: 'work' }],
  displayName: 'Ada Lovelace',
  locale: 'en-US',
  externalId: unique('00u'),
  groups: [],
  password: '1mz050nq',
  active: true,
});

const memberOf = async (id: string): Promise<MemberBody | undefined> =>
  (await everything<MemberBody>(tenant, '/v1/members')).find((member) => member.id === id);

describe('Okta', () => {
  it('tests its connection by a page of users', async () => {
    const answer = await okta.send<ListBody>('GET', '/Users?startIndex=1&count=2');
    expect(answer).toMatchObject({ status: 200, body: { startIndex: 1 } });
    expect(answer.headers['content-type']).toBe('application/scim+json; charset=utf-8');
  });

  it('looks for a user by userName, finds none, and creates one', async () => {
    const userName = someEmail();
    const none = await okta.search('Users', `userName eq "${userName}"`, '&startIndex=1&count=100');
    expect(none).toMatchObject({
      status: 200,
      body: {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
        totalResults: 0,
        itemsPerPage: 0,
        Resources: [],
      },
    });

    const input = oktaUser(userName);
    const created = await okta.send('POST', '/Users', input);
    expect(created).toMatchObject({
      status: 201,
      body: { userName, active: true, displayName: 'Ada Lovelace', externalId: input.externalId, name: input.name },
    });
    expect(created.text).not.toContain(input.password);
    expect(created.headers.location).toBe(created.body.meta.location);
    expect(created.headers.etag).toBe('W/"1"');

    const found = await okta.search('Users', `userName eq "${userName}"`, '&startIndex=1&count=100');
    expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id: created.body.id }] });
    expect(await memberOf(created.body.id)).toMatchObject({
      email: userName,
      name: 'Ada Lovelace',
      role: 'viewer',
      status: 'invited',
      directory: { active: true, role: 'viewer' },
    });
  });

  it('is told of a user who is there already', async () => {
    const { userName } = await scimUser(okta);
    const again = await okta.send<ErrorBody>('POST', '/Users', oktaUser(userName.toUpperCase()));
    expect(again).toMatchObject({
      status: 409,
      body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '409', scimType: 'uniqueness' },
    });
    expect(again.headers['content-type']).toBe('application/scim+json; charset=utf-8');
  });

  it('updates a profile by PUT, with its own id and groups in it', async () => {
    const user = await scimUser(okta);
    const changed = await okta.send('PUT', `/Users/${user.id}`, {
      ...oktaUser(user.userName),
      id: user.id,
      name: { givenName: 'Another', familyName: 'Name' },
      displayName: 'Another Name',
      groups: [],
      meta: { resourceType: 'User' },
    });
    expect(changed).toMatchObject({ status: 200, body: { id: user.id, displayName: 'Another Name' } });
    expect((await okta.send('GET', `/Users/${user.id}`)).body).toEqual(changed.body);
    expect(await memberOf(user.id)).toMatchObject({ name: 'Another Name' });
  });

  it('deactivates by PUT with active false, and activates again', async () => {
    const user = await scimUser(okta);
    for (const [active, status] of [
      [false, 'deactivated'],
      [true, 'invited'],
    ] as const) {
      // prettier-ignore
      const answer = await okta.send('PUT', `/Users/${user.id}`, { ...oktaUser(user.userName), active });
      expect(answer).toMatchObject({ status: 200, body: { active } });
      expect(await memberOf(user.id)).toMatchObject({ status, directory: { active } });
    }
  });

  it('deactivates by PATCH without a path', async () => {
    const user = await scimUser(okta);
    const answer = await okta.send('PATCH', `/Users/${user.id}`, {
      schemas: [PATCH_OP],
      Operations: [{ op: 'replace', value: { active: false } }],
    });
    expect(answer).toMatchObject({ status: 200, body: { id: user.id, active: false } });
    expect(await memberOf(user.id)).toMatchObject({ status: 'deactivated' });
    expect((await okta.search('Users', `userName eq "${user.userName}"`)).body.Resources).toMatchObject([
      { id: user.id, active: false },
    ]);
  });

  it('pushes a group, adds and removes members, and renames it with its id in the value', async () => {
    const [ada, grace] = [await scimUser(okta), await scimUser(okta)];
    const created = await okta.send<GroupBody>('POST', '/Groups', {
      schemas: [GROUP_SCHEMA],
      displayName: 'Marketing',
      members: [{ value: ada.id, display: ada.userName }],
    });
    expect(created).toMatchObject({ status: 201, body: { displayName: 'Marketing', members: [{ value: ada.id }] } });
    const path = `/Groups/${created.body.id}`;
    expect((await memberOf(ada.id))?.role).toBe('editor');

    const exchanged = await okta.send<GroupBody>('PATCH', path, {
      schemas: [PATCH_OP],
      Operations: [
        { op: 'remove', path: `members[value eq "${ada.id}"]` },
        { op: 'add', path: 'members', value: [{ value: grace.id, display: grace.userName }] },
      ],
    });
    expect(exchanged.status).toBe(200);
    expect(exchanged.body.members.map(({ value }) => value)).toEqual([grace.id]);
    expect([(await memberOf(ada.id))?.role, (await memberOf(grace.id))?.role]).toEqual(['viewer', 'editor']);

    const displayName = unique('Sales');
    const renamed = await okta.send<GroupBody>('PATCH', path, {
      schemas: [PATCH_OP],
      Operations: [{ op: 'replace', value: { id: created.body.id, displayName } }],
    });
    expect(renamed).toMatchObject({ status: 200, body: { id: created.body.id, displayName } });
    expect((await memberOf(grace.id))?.role).toBe('viewer');

    const replaced = await okta.send<GroupBody>('PATCH', path, {
      schemas: [PATCH_OP],
      Operations: [{ op: 'replace', path: 'members', value: [{ value: ada.id }, { value: grace.id }] }],
    });
    expect(replaced.body.members.map(({ value }) => value).toSorted()).toEqual([ada.id, grace.id].toSorted());
    expect((await okta.send('DELETE', path)).status).toBe(204);
    expect((await okta.send<ErrorBody>('GET', path)).status).toBe(404);
  });

  it('finds a group by its name, and puts one as a whole', async () => {
    const group = await scimGroup(okta);
    const user = await scimUser(okta);
    const found = await okta.search<GroupBody>(
      'Groups',
      `displayName eq "${group.displayName}"`,
      '&startIndex=1&count=100',
    );
    expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id: group.id, members: [] }] });
    const whole = { ...group, members: [{ value: user.id, display: 'x', type: 'User' }] };
    const put = await okta.send<GroupBody>('PUT', `/Groups/${group.id}`, whole);
    expect(put).toMatchObject({ status: 200, body: { members: [{ value: user.id, display: user.userName }] } });
    const shown = await okta.send<UserBody>('GET', `/Users/${user.id}`);
    expect(shown.body.groups).toMatchObject([{ value: group.id, display: group.displayName }]);
  });
});
