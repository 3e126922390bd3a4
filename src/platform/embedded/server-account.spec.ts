import { type AccountIds, findAccount, type SystemAccounts } from './server-account.js';

/** A machine with these accounts, on which creating one gives `created`. */
function machine(names: string[], created: string[] = []) {
  const present = new Set(names);
  const accounts: SystemAccounts = {
    find: (name) => Promise.resolve(present.has(name) ? idsOf(name) : undefined),
    create: () => {
      for (const name of created) present.add(name);
      return Promise.resolve(created.length === 0 ? 'no useradd' : undefined);
    },
  };
  const lines: string[] = [];
  return { lines, find: () => findAccount(accounts, (line) => lines.push(line)) };
}

function idsOf(name: string): AccountIds {
  return { uid: name.length, gid: name.length };
}

describe('the account that runs PostgreSQL for root', () => {
  it('is postgres where there is one', async () => {
    await expect(machine(['nobody', 'waypost', 'postgres']).find()).resolves.toEqual(idsOf('postgres'));
  });

  it('is created where there is none', async () => {
    await expect(machine(['nobody'], ['waypost']).find()).resolves.toEqual(idsOf('waypost'));
  });

  it('is nobody where none can be created, and says why', async () => {
    const { find, lines } = machine(['nobody']);
    await expect(find()).resolves.toEqual(idsOf('nobody'));
    expect(lines.join()).toContain('no useradd');
  });

  it('is an error where there is not even nobody', async () => {
    await expect(machine([]).find()).rejects.toThrow('DATABASE_URL');
  });
});
