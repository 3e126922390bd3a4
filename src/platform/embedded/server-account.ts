import { execFile } from 'node:child_process';
import { chmod, chown, stat } from 'node:fs/promises';

export interface AccountIds {
  readonly uid: number;
  readonly gid: number;
}

export interface Outcome {
  /** undefined when the program could not be run or was killed. */
  readonly code: number | undefined;
  /** Standard output and standard error, or else how the program ended or why it could not be run. */
  readonly output: string;
}

/** How accounts of the machine are looked up and made. */
export interface SystemAccounts {
  find(name: string): Promise<AccountIds | undefined>;
  /** Returns what went wrong, if anything. */
  create(name: string): Promise<string | undefined>;
}

// Fixed, so that no PG* variable, locale or time zone of whoever starts Waypost can change the cluster.
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' };

const OWN_ACCOUNT = 'waypost';

/** The account of the operating system under which PostgreSQL and its tools run; without ids, this process's. */
export class ServerAccount {
  constructor(private readonly ids?: AccountIds) {}

  get isAnother(): boolean {
    return this.ids !== undefined;
  }

  run(file: string, args: readonly string[], options: { cwd?: string; env?: object } = {}): Promise<Outcome> {
    const { cwd = '/', env = {} } = options; // '/': the directory we were started in may be closed to the account
    return new Promise((resolve) => {
      try {
        execFile(file, args, { cwd, env: { ...ENVIRONMENT, ...env }, ...this.ids }, (error, stdout, stderr) => {
          const failure = error === null ? 0 : error.code;
          const code = typeof failure === 'number' ? failure : undefined;
          const silent = code === undefined ? String(error) : `exit code ${code}`;
          resolve({ code, output: `${stdout}${stderr}`.trim() || silent });
        });
      } catch (error) {
        // Node throws, instead of calling back, when the kernel refuses the change of user.
        resolve({ code: undefined, output: String(error) });
      }
    });
  }

  /** Why the account may not. Asks the kernel rather than reading modes: parents, ACLs and mount options count too. */
  async whyCannot(use: 'enter' | 'write', directory: string): Promise<string | undefined> {
    const test = use === 'enter' ? 'test -x "$1"' : 'test -x "$1" && test -w "$1"';
    const { code, output } = await this.run('/bin/sh', ['-c', test, 'sh', directory]);
    if (code === 0) return undefined;
    return code === undefined ? output : `it may not ${use} there`;
  }

  async own(path: string): Promise<void> {
    if (this.ids) await chown(path, this.ids.uid, this.ids.gid);
  }

  /** Lets the account walk through a closed directory of ours, without letting it list or change it. */
  async admitTo(directory: string): Promise<void> {
    if (!this.ids) return;
    await chown(directory, process.getuid?.() ?? 0, this.ids.gid);
    await chmod(directory, 0o710);
  }
}

/** PostgreSQL refuses to run as root, so root lends it another account: the one that owns the cluster, if there is one. */
export async function chooseServerAccount(
  cluster: string | undefined,
  log: (line: string) => void,
): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return new ServerAccount();
  const owner = cluster === undefined ? undefined : await stat(cluster);
  if (owner && owner.uid !== 0) return new ServerAccount({ uid: owner.uid, gid: owner.gid });
  return new ServerAccount(await findAccount(systemAccounts, log));
}

export async function findAccount(accounts: SystemAccounts, log: (line: string) => void): Promise<AccountIds> {
  // macOS names its system accounts with an underscore.
  for (const name of ['postgres', '_postgres', OWN_ACCOUNT]) {
    const ids = await accounts.find(name);
    if (ids) return ids;
  }
  const failure = await accounts.create(OWN_ACCOUNT);
  // Looked up even after a failure: another start may have created it a moment before.
  const created = await accounts.find(OWN_ACCOUNT);
  if (created) return created;
  const nobody = await accounts.find('nobody');
  if (!nobody) {
    throw new Error(
      `PostgreSQL refuses to run as root and no account for it could be created (${failure ?? 'unknown reason'}): ` +
        'start Waypost as another user, or set DATABASE_URL.',
    );
  }
  log(`Running PostgreSQL as nobody: no account of its own could be created (${failure ?? 'unknown reason'})`);
  return nobody;
}

const root = new ServerAccount();

const systemAccounts: SystemAccounts = {
  async find(name) {
    const [user, group] = await Promise.all([root.run('id', ['-u', name]), root.run('id', ['-g', name])]);
    const ids = { uid: Number(user.output), gid: Number(group.output) };
    return user.code === 0 && group.code === 0 && ids.uid > 0 ? ids : undefined;
  },

  async create(name) {
    const useradd = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
    const made = await root.run('useradd', [...useradd, '--shell', '/bin/false', name]);
    if (made.code === 0) return undefined;
    // BusyBox has only this one.
    const added = await root.run('adduser', ['-S', '-D', '-H', name]);
    return `useradd: ${made.output}; adduser: ${added.output}`;
  },
};
