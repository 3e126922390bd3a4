interface Address {
  host: string;
  port: number;
}

interface Login {
  username?: string;
  password?: string;
}

interface Several {
  tls: boolean;
  /** Any of them that answers tells where the others are. */
  addresses: Address[];
  login: Login;
}

/** The Redis that a URL names: one server, the primary that Sentinels name, or a Cluster. */
export type RedisServers =
  | { kind: 'server'; url: string }
  | (Several & { kind: 'sentinel'; primary: string; database: number; sentinelLogin: Login })
  /** With `name`, several deployments share a Cluster, which has no databases: all keys of each begin with its name. */
  | (Several & { kind: 'cluster'; name: string | undefined });

/** Its message shows nothing of the URL, which may hold a password. */
export class RedisUrlError extends Error {}

const FORMS =
  'must look like redis://host:6379, redis+sentinel://host:26379,host:26379/primary or redis+cluster://host:6379,host:6379';
const SEVERAL = /^redis(s?)\+(sentinel|cluster):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const ADDRESS = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::(\d{1,5}))?$/i;
const PORTS = { sentinel: 26_379, cluster: 6_379 };
const SENTINEL_LOGIN = ['sentinel_username', 'sentinel_password'];

/** @throws RedisUrlError */
export function parseRedisUrl(url: string): RedisServers {
  if (/^rediss?:\/\//.test(url)) return oneServer(url);
  const [, secure, kind, userinfo = '', hosts = '', path = '', query = ''] = SEVERAL.exec(url) ?? [];
  if (kind !== 'sentinel' && kind !== 'cluster') throw new RedisUrlError(FORMS);
  const several = {
    tls: secure === 's',
    addresses: hosts.split(',').map((host) => addressOf(host, PORTS[kind])),
    login: loginOf(userinfo),
  };
  const sentinelLogin = sentinelLoginOf(kind, new URLSearchParams(query));
  if (kind === 'cluster') return { kind, ...several, name: deploymentOf(path) };
  return { kind, ...several, ...primaryOf(path), sentinelLogin };
}

/** The client library knows the rest of its form. */
function oneServer(url: string): RedisServers {
  const [authority = ''] = url.replace(/^rediss?:\/\//, '').split(/[/?#]/);
  if (authority.slice(authority.lastIndexOf('@') + 1).includes(',')) {
    throw new RedisUrlError('names several servers: with redis+sentinel:// or redis+cluster://, not with redis://');
  }
  return { kind: 'server', url };
}

function addressOf(text: string, usual: number): Address {
  const [, host, given] = ADDRESS.exec(text) ?? [];
  const port = given === undefined ? usual : Number(given);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new RedisUrlError('must name its servers as host:port, with commas between them and nothing else');
  }
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function loginOf(userinfo: string): Login {
  const colon = userinfo.indexOf(':');
  const [username, password] = colon < 0 ? [userinfo, ''] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)];
  return { ...(username && { username: decoded(username) }), ...(password && { password: decoded(password) }) };
}

/** Nothing else can be said in the query. */
function sentinelLoginOf(kind: 'sentinel' | 'cluster', options: URLSearchParams): Login {
  if ([...options.keys()].some((name) => kind === 'cluster' || !SENTINEL_LOGIN.includes(name))) {
    throw new RedisUrlError(`has options besides ${SENTINEL_LOGIN.join(' and ')} of redis+sentinel://`);
  }
  const [username, password] = SENTINEL_LOGIN.map((name) => options.get(name));
  return { ...(username && { username }), ...(password && { password }) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RedisUrlError('must have its user and password percent-encoded');
  }
}

function primaryOf(path: string): { primary: string; database: number } {
  const [, primary, database = '0'] = /^([A-Za-z0-9._-]+)(?:\/(\d{1,5}))?$/.exec(path) ?? [];
  if (primary === undefined) {
    throw new RedisUrlError(
      'must name the primary that the Sentinels watch, and a database if not 0: redis+sentinel://host:26379/primary/0',
    );
  }
  return { primary, database: Number(database) };
}

function deploymentOf(path: string): string | undefined {
  if (path === '') return undefined;
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(path)) {
    throw new RedisUrlError(
      'may end in a name of up to 40 letters, digits, - and _ that begins with a letter: a Redis Cluster has no numbered databases',
    );
  }
  return path;
}
