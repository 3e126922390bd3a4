import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type GenerateKeyPairOptions, type JWK, SignJWT } from 'jose';
import { freePort } from './free-port.js';

interface Key {
  alg: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

type Header = Record<string, unknown>;
export type Claims = Record<string, unknown>;

export const seconds = (): number => Math.floor(Date.now() / 1000);

/** An issuer on the loopback that signs whatever it is told to, and can publish anything, change its keys and go away. */
export class TokenIssuer {
  /** What it publishes. */
  published: JWK[] = [];
  discovery: Record<string, unknown>;
  /** Requests for its keys. */
  keyRequests = 0;
  private readonly keys = new Map<string, Key>();
  private server: Server | undefined;

  private constructor(
    readonly issuer: string,
    private readonly port: number,
  ) {
    this.discovery = { issuer, jwks_uri: `${issuer}/keys` };
  }

  static async start(): Promise<TokenIssuer> {
    const port = await freePort();
    const issuer = new TokenIssuer(`http://127.0.0.1:${port}`, port);
    await issuer.comeBack();
    return issuer;
  }

  async comeBack(): Promise<void> {
    this.server = createServer(({ url }, response) => this.answer(url ?? '', response)).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async goAway(): Promise<void> {
    if (!this.server) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
    this.server = undefined;
  }

  /** A new key, published. */
  async addKey(kid: string, alg: string, options: GenerateKeyPairOptions = {}): Promise<Key> {
    const pair = await generateKeyPair(alg, { ...options, extractable: true });
    const key = { alg, ...pair };
    this.keys.set(kid, key);
    this.published.push({ ...(await exportJWK(pair.publicKey)), kid, use: 'sig' });
    return key;
  }

  key(kid: string): Key {
    const key = this.keys.get(kid);
    if (!key) throw new Error(`There is no key ${kid}`);
    return key;
  }

  /** Claims as a good token has them. */
  claims(more: Claims = {}): Claims {
    const now = seconds();
    return { iss: this.issuer, sub: 'ada', aud: 'https://waypost.test', iat: now, exp: now + 600, ...more };
  }

  /** @param header what it has besides algorithm, type and key */
  token(kid: string, claims: Claims = {}, header: Header = {}): Promise<string> {
    const { alg, privateKey } = this.key(kid);
    return new SignJWT(this.claims(claims)).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(privateKey);
  }

  private answer(url: string, response: ServerResponse): void {
    if (url === '/keys') this.keyRequests++;
    const body = { '/.well-known/openid-configuration': this.discovery, '/keys': { keys: this.published } }[url];
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
  }
}
