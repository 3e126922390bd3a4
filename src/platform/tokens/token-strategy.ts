import { type KeyObject, verify } from 'node:crypto';
import { Strategy } from 'passport-jwt';
import { ALGORITHMS, LEEWAY, type PresentedToken } from './bearer-token.js';

/** What Passport is asked to authenticate. */
export interface TokenRequest {
  token: PresentedToken;
  /** Its issuer's, and one for its algorithm. */
  key: KeyObject;
}

/** passport-jwt; and EdDSA, of which jsonwebtoken, which it verifies with, knows nothing. */
export class TokenStrategy extends Strategy {
  constructor() {
    super(
      {
        jwtFromRequest: ({ token }: TokenRequest) => token.text,
        // jsonwebtoken takes a key object, though the types here do not say so.
        secretOrKeyProvider: ({ key }: TokenRequest, _raw, done) => done(null, key as unknown as Buffer),
        algorithms: ALGORITHMS.filter((algorithm) => algorithm !== 'EdDSA'),
        jsonWebTokenOptions: { clockTolerance: LEEWAY },
        passReqToCallback: true,
      },
      ({ token }: TokenRequest, _payload: unknown, done) => done(null, token.claims),
    );
  }

  override authenticate(request: Parameters<Strategy['authenticate']>[0]): void {
    const { token, key } = request as unknown as TokenRequest;
    if (token.header.alg !== 'EdDSA') super.authenticate(request);
    // The claims were checked when the token was read.
    else if (isSignedBy(key, token.text)) this.success(token.claims);
    else this.fail(new Error('invalid signature'), 401);
  }
}

/** RFC 8037. */
function isSignedBy(key: KeyObject, token: string): boolean {
  const end = token.lastIndexOf('.');
  return verify(null, Buffer.from(token.slice(0, end)), key, Buffer.from(token.slice(end + 1), 'base64url'));
}
