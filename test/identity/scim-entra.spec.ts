import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type MemberBody, someEmail } from '../support/members.js';
import { everything } from '../support/pages.js';
import {
  Directory,
  ENTERPRISE,
  type ErrorBody,
  GROUP_SCHEMA,
  type GroupBody,
  patch,
  scimGroup,
  scimUser,
  USER_SCHEMA,
  type UserBody,
} from '../support/scim.js';
import { newTenant, type Tenant, unique } from '../support/waypost.js';

let tenant: Tenant;
let entra: Directory;
beforeAll(async () => {
  tenant = await newTenant();
  await tenant.ask('PUT', '/v1/provisioning', {
    body: { groupRoles: { 'Waypost Admins': 'admin' }, defaultRole: 'viewer' },
  });
  entra = await Directory.of(tenant);
});

const memberOf = async (id: string): Promise<MemberBody | undefined> =>
  (await everything<MemberBody>(tenant, '/v1/members')).find((member) => member.id === id);

/** As Entra ID creates somebody: learn.microsoft.com, "Develop a SCIM endpoint". */
const entraUser = (userName: string) => ({
  schemas: [USER_SCHEMA, ENTERPRISE],
  externalId: unique('ext'),
  userName,
  active: true,
  emails: [{ primary: true, type: 'work', value: userName }],
  meta: { resourceType: 'User' },
  name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
  roles: [],
});

describe('Entra ID', () => {
  it('tests its connection by a user who can not be there', async () => {
    const answer = await entra.search('Users', `userName eq "${randomUUID()}"`);
    expect(answer).toMatchObject({
      status: 200,
      body: { totalResults: 0, Resources: [], startIndex: 1, itemsPerPage: 0 },
    });
    expect(await entra.send<ErrorBody>('GET', `/Users/${randomUUID()}`)).toMatchObject({
      status: 404,
      body: { status: '404', schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'] },
    });
    expect((await entra.send('GET', `/Users?aadOptscim062020`)).status).toBe(200);
  });

  it('creates a user and finds it by what it calls it', async () => {
    const input = entraUser(someEmail());
    const { status, body } = await entra.send('POST', '/Users', input);
    expect(status).toBe(201);
    expect(body).toMatchObject({ externalId: input.externalId, userName: input.userName, emails: input.emails });
    for (const filter of [
      `externalId eq "${input.externalId}"`,
      `userName eq "${input.userName.toUpperCase()}"`,
      `emails[type eq "work"].value eq "${input.userName}"`,
      `emails[type eq "work" and value co "@EXAMPLE.com"] and externalId eq "${input.externalId}"`,
    ]) {
      const found = await entra.search('Users', filter);
      expect([filter, found.body.Resources?.map(({ id }) => id)]).toEqual([filter, [body.id]]);
    }
    expect((await entra.search('Users', `externalId eq "${input.externalId.toUpperCase()}"`)).body.totalResults).toBe(
      0,
    );
  });

  it('patches with capitalised operations, paths with filters, and URNs', async () => {
    const { id } = await scimUser(entra, entraUser(someEmail()));
    const address = someEmail();
    const boss = await scimUser(entra);
    const answer = await entra.send(
      'PATCH',
      `/Users/${id}`,
      patch(
        { op: 'Replace', path: 'emails[type eq "work"].value', value: address },
        { op: 'Replace', path: 'name.familyName', value: 'Updated' },
        { op: 'Add', path: 'name.givenName', value: 'Grace' },
        { op: 'Add', path: 'title', value: 'Engineer' },
        { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+49 30 1' },
        { op: 'Add', path: 'addresses[type eq "work"].formatted', value: 'Some street 1' },
        { op: 'Add', path: `${ENTERPRISE}:department`, value: 'Research' },
        { op: 'Add', path: `${ENTERPRISE}:manager`, value: boss.id },
      ),
    );
    expect(answer).toMatchObject({
      status: 200,
      body: {
        schemas: [USER_SCHEMA, ENTERPRISE],
        name: { familyName: 'Updated', givenName: 'Grace' },
        emails: [{ type: 'work', value: address, primary: true }],
        phoneNumbers: [{ type: 'mobile', value: '+49 30 1' }],
        addresses: [{ type: 'work', formatted: 'Some street 1' }],
        title: 'Engineer',
        [ENTERPRISE]: { department: 'Research', manager: { value: boss.id } },
      },
    });
    expect(await memberOf(id)).toMatchObject({ email: address });
    const found = await entra.search('Users', `${ENTERPRISE}:department eq "research" and title sw "eng"`);
    expect(found.body.Resources.map((user) => user.id)).toEqual([id]);

    const removed = await entra.send<UserBody>(
      'PATCH',
      `/Users/${id}`,
      patch(
        { op: 'Remove', path: 'phoneNumbers[type eq "mobile"].value' },
        { op: 'Remove', path: `${ENTERPRISE}:manager` },
        { op: 'Remove', path: 'title' },
      ),
    );
    expect(removed.body).toMatchObject({ [ENTERPRISE]: { department: 'Research' } });
    expect(removed.text).not.toMatch(/Engineer|\+49|manager/);
  });

  it('replaces several attributes in one value, some of them by their paths', async () => {
    const { id } = await scimUser(entra, entraUser(someEmail()));
    const answer = await entra.send(
      'PATCH',
      `/Users/${id}`,
      patch({
        op: 'replace',
        value: {
          displayName: 'One',
          'name.givenName': 'Two',
          'emails[type eq "home"].value': 'home@example.org',
          [`${ENTERPRISE}:employeeNumber`]: '701984',
          unknown: 'x',
          password: 'secret-of-somebody',
        },
      }),
    );
    expect(answer).toMatchObject({
      status: 200,
      body: { displayName: 'One', name: { givenName: 'Two' }, [ENTERPRISE]: { employeeNumber: '701984' } },
    });
    expect(answer.body.emails).toContainEqual({ type: 'home', value: 'home@example.org' });
    expect(answer.text).not.toContain('secret-of-somebody');
  });

  it('deactivates with a text for a truth, and activates again', async () => {
    const { id } = await scimUser(entra, entraUser(someEmail()));
    for (const [value, active, status] of [
      ['False', false, 'deactivated'],
      ['True', true, 'invited'],
    ] as const) {
      // prettier-ignore
      const answer = await entra.send('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value }));
      expect(answer).toMatchObject({ status: 200, body: { active } });
      expect(await memberOf(id)).toMatchObject({ status });
    }
    const answer = await entra.send('PATCH', `/Users/${id}`, patch({ op: 'Replace', value: { active: 'False' } }));
    expect(answer.body.active).toBe(false);
    expect(
      (await entra.search('Users', `userName eq "${answer.body.userName}" and active eq false`)).body.totalResults,
    ).toBe(1);
  });

  it('creates a group without members, looks for it without them, and adds and removes some', async () => {
    const externalId = randomUUID();
    const created = await entra.send<GroupBody>('POST', '/Groups', {
      schemas: [GROUP_SCHEMA, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      externalId,
      displayName: 'Waypost Admins',
      meta: { resourceType: 'Group' },
    });
    expect(created).toMatchObject({ status: 201, body: { externalId, displayName: 'Waypost Admins' } });
    const path = `/Groups/${created.body.id}`;
    const [ada, grace] = [await scimUser(entra), await scimUser(entra)];

    const added = await entra.send<GroupBody>('PATCH', path, patch({ op: 'Add', path: 'members', value: [{ $ref: null, value: ada.id }, { value: grace.id }] })); // prettier-ignore
    expect([added.status, added.body.members.length]).toEqual([200, 2]);
    expect([(await memberOf(ada.id))?.role, (await memberOf(grace.id))?.role]).toEqual(['admin', 'admin']);

    const bare = await entra.send<GroupBody>('GET', `${path}?excludedAttributes=members`);
    expect(bare.body).toMatchObject({ id: created.body.id, displayName: 'Waypost Admins', schemas: [GROUP_SCHEMA] });
    expect(bare.body.members).toBeUndefined();
    const found = await entra.search<GroupBody>('Groups', `displayName eq "waypost admins"`, '&excludedAttributes=members'); // prettier-ignore
    expect(found.body.Resources.map(({ id, members }) => [id, members])).toEqual([[created.body.id, undefined]]);
    expect(
      (await entra.search('Groups', `id eq "${created.body.id}" and members eq "${ada.id}"`)).body.totalResults,
    ).toBe(1);

    const removed = await entra.send<GroupBody>('PATCH', path, patch({ op: 'Remove', path: 'members', value: [{ $ref: null, value: ada.id }] })); // prettier-ignore
    expect(removed.body.members.map(({ value }) => value)).toEqual([grace.id]);
    // Who is not in it any more is removed again without an error.
    expect(
      (await entra.send('PATCH', path, patch({ op: 'Remove', path: `members[value eq "${ada.id}"]` }))).status,
    ).toBe(200);
    expect(
      (await entra.search('Groups', `id eq "${created.body.id}" and members eq "${ada.id}"`)).body.totalResults,
    ).toBe(0);
    expect((await memberOf(ada.id))?.role).toBe('viewer');
  });

  it('renames a group by path, and disables and deletes a user', async () => {
    const group = await scimGroup(entra);
    const renamed = await entra.send<GroupBody>('PATCH', `/Groups/${group.id}`, patch({ op: 'Replace', path: 'displayName', value: unique('n') })); // prettier-ignore
    expect(renamed.status).toBe(200);
    const user = await scimUser(entra);
    expect((await entra.send('DELETE', `/Users/${user.id}`)).status).toBe(204);
    expect((await entra.send('GET', `/Users/${user.id}`)).status).toBe(404);
    expect((await entra.send('DELETE', `/Users/${user.id}`)).status).toBe(404);
    expect(await memberOf(user.id)).toBeUndefined();
  });
});
