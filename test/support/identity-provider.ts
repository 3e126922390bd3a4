import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

const CLIENT = 'waypost-cli';
const CALLBACK = 'http://127.0.0.1/callback';
const SCOPE = 'openid email profile offline_access';

type Account = Record<string, unknown>;

interface Tokens {
  access_token: string;
  refresh_token: string;
}

/** A real OpenID provider (oidc-provider) on the loopback, with a public client that logs people in by code and PKCE. */
export class IdentityProvider {
  /** What it puts into access tokens, by person. */
  readonly accounts = new Map<string, Account>();
  /** Requests for its keys. */
  keyRequests = 0;
  private handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => undefined;

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
    readonly audience: string,
  ) {}

  static async start(audience: string): Promise<IdentityProvider> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const provider = new IdentityProvider(server, `http://127.0.0.1:${port}`, audience);
    server.on('request', (request, response) => provider.handle(request, response));
    await provider.useNewKey('one', 'RS256');
    return provider;
  }

  /** Signs with this key from now on, and publishes no other. */
  async useNewKey(kid: string, alg: string): Promise<void> {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    const keys = [{ ...(await exportJWK(privateKey)), kid, alg, use: 'sig' }];
    const provider = new Provider(this.issuer, this.configuration({ keys }, alg));
    const callback = provider.callback();
    this.handle = (request, response) => {
      if (request.url?.startsWith('/jwks')) this.keyRequests++;
      if (!request.url?.startsWith('/interaction/')) return callback(request, response);
      return logIn(provider, request, response);
    };
  }

  /** What a program does for the person: opens the login page, and redeems the code that comes back. */
  async logIn(account: string, audience = this.audience): Promise<Tokens> {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: CLIENT,
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: SCOPE,
      resource: audience,
      prompt: 'login consent',
      login_hint: account,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const back = await followAsBrowser(new URL(`/auth?${query}`, this.issuer));
    const code = back.searchParams.get('code');
    if (!code) throw new Error(`No code: ${back.href}`);
    return this.redeem({
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      code_verifier: verifier,
      resource: audience,
    });
  }

  refresh({ refresh_token }: Tokens): Promise<Tokens> {
    return this.redeem({ grant_type: 'refresh_token', refresh_token });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async redeem(grant: Record<string, string>): Promise<Tokens> {
    const body = new URLSearchParams({ client_id: CLIENT, ...grant });
    const response = await fetch(new URL('/token', this.issuer), { method: 'POST', body });
    if (response.status !== 200) throw new Error(`No tokens: ${response.status} ${await response.text()}`);
    return (await response.json()) as Tokens;
  }

  private configuration(jwks: object, alg: string): Record<string, unknown> {
    const client = {
      client_id: CLIENT,
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      id_token_signed_response_alg: alg,
    };
    const resource = {
      scope: 'api',
      accessTokenFormat: 'jwt',
      accessTokenTTL: 300,
      jwt: { sign: { alg } },
    };
    return {
      jwks,
      clients: [client],
      adapter: createMemoryAdapter(0),
      ttl: { AccessToken: 300, Grant: 600, IdToken: 300, Interaction: 600, RefreshToken: 600, Session: 600 },
      cookies: { keys: ['test'] },
      enabledJWA: { idTokenSigningAlgValues: [alg] },
      findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
      extraTokenClaims: (_context: unknown, { accountId = '' }: { accountId?: string }) => this.accounts.get(accountId),
      features: {
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          useGrantedResource: () => true,
          getResourceServerInfo: (_context: unknown, audience: string) => ({ ...resource, audience }),
        },
      },
    };
  }
}

/** The login page, where everybody is who they say, and agrees. */
async function logIn(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params } = await provider.interactionDetails(request, response);
  const accountId = params.login_hint ?? '';
  if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId } });
  const grant = new provider.Grant({ clientId: CLIENT, accountId });
  grant.addOIDCScope(SCOPE);
  grant.addResourceScope(params.resource ?? '', 'api');
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

/** Follows redirects with cookies, up to the client's own address. */
async function followAsBrowser(start: URL): Promise<URL> {
  const cookies = new Map<string, string>();
  for (let url = start, hops = 0; hops < 10; hops++) {
    if (url.href.startsWith(CALLBACK)) return url;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (!location) throw new Error(`No redirect from ${url.href}: ${response.status} ${await response.text()}`);
    url = new URL(location, url);
  }
  throw new Error('The login goes round in circles');
}
