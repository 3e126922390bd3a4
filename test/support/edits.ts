import type { Customer, Deployment } from './deployment.js';
import type { DomainBody } from './domains.js';
import type { State } from './watch.js';
import type { Answer, Caller, LinkBody } from './waypost.js';

/** A change that visitors of one address can tell. */
interface Edit {
  /** What they get from then on. */
  state: State;
  make: () => Promise<void>;
}

/** An address, what its visitors get at first, and one edit after another. */
export interface Edited {
  host: string;
  path: string;
  state: State;
  next: () => Edit;
}

let edits = 0;
const newUrl = (): string => `https://example.com/${++edits}`;

async function done(answer: Promise<Answer>): Promise<void> {
  const { status, text } = await answer;
  if (status >= 300) throw new Error(`No edit: ${status} ${text}`);
}

const patch = (caller: Caller, path: string, body: object, state: State): Edit => ({
  state,
  make: () => done(caller.patch(path, body)),
});

/** A link that is led elsewhere, switched off and on, deleted and made anew, in any order. */
export async function editedLink(customer: Customer): Promise<Edited> {
  let link = await customer.link({ url: newUrl() });
  let condition: 'on' | 'off' | 'deleted' = 'on';
  const path = (): string => `/v1/links/${link.id}`;
  const lead = (): Edit => {
    link.url = newUrl();
    return patch(customer, path(), { url: link.url }, link.url);
  };
  const disable = (): Edit => {
    condition = 'off';
    return patch(customer, path(), { disabledAt: new Date(0).toISOString() }, 404);
  };
  const enable = (): Edit => {
    condition = 'on';
    return patch(customer, path(), { disabledAt: null }, link.url);
  };
  const remove = (): Edit => {
    condition = 'deleted';
    return { state: 404, make: () => done(customer.delete(path())) };
  };
  const create = (): Edit => {
    condition = 'on';
    const [key, url] = [link.key, newUrl()];
    return { state: url, make: async () => void (link = await customer.link({ key, url })) };
  };
  const possible = { on: [lead, lead, disable, remove], off: [enable], deleted: [create] };
  const next = (): Edit => {
    const choice = possible[condition];
    return (choice[Math.floor(Math.random() * choice.length)] as () => Edit)();
  };
  return { host: customer.domain, path: `/${link.key}`, state: link.url, next };
}

/** Where the bare domain leads. */
export const editedRoot = (customer: Customer): Edited => ({
  host: customer.domain,
  path: '/',
  state: 404,
  next: () => {
    const rootUrl = newUrl();
    return patch(customer, `/v1/domains/${customer.domainId}`, { rootUrl }, rootUrl);
  },
});

/** Where a domain leads those who follow a disabled link. */
export async function editedNotFound(customer: Caller, { id, hostname }: DomainBody): Promise<Edited> {
  const { key } = await customer.link({ domain: hostname, disabledAt: new Date(0).toISOString() });
  const next = (): Edit => {
    const notFoundUrl = newUrl();
    return patch(customer, `/v1/domains/${id}`, { notFoundUrl }, notFoundUrl);
  };
  return { host: hostname, path: `/${key}`, state: 404, next };
}

/** A domain that tells cases apart, or does not: to be changed while it has no link. */
export async function editedCase(customer: Caller, { id, hostname }: DomainBody): Promise<Edited> {
  const make = (): Promise<LinkBody> => customer.link({ domain: hostname, key: 'mixed' });
  let link = await make();
  let caseSensitive = true;
  const next = (): Edit => {
    caseSensitive = !caseSensitive;
    const settings = { caseSensitive };
    return {
      state: caseSensitive ? 404 : link.url,
      make: async () => {
        await done(customer.delete(`/v1/links/${link.id}`));
        await done(customer.patch(`/v1/domains/${id}`, settings));
        link = await make();
      },
    };
  };
  return { host: hostname, path: '/MIXED', state: 404, next };
}

/** A tenant that the operators suspend and let go on; and meanwhile switch its redirects on and off. */
export async function editedTenant(deployment: Deployment): Promise<Edited> {
  const customer = await deployment.newTenant();
  const { key, url } = await customer.link({ url: newUrl() });
  const steps: Array<[object, string | number]> = [
    [{ suspended: true }, 404],
    [{ redirectsWhileSuspended: true }, url],
    [{ redirectsWhileSuspended: false }, 404],
    [{ suspended: false }, url],
  ];
  let taken = 0;
  const next = (): Edit => {
    const [change, state] = steps[taken++ % steps.length] as [object, string | number];
    return patch(deployment.operator, `/v1/tenants/${customer.tenantId}`, change, state);
  };
  return { host: customer.domain, path: `/${key}`, state: url, next };
}
