import { Injectable } from '@nestjs/common';
import passport from 'passport';
import { type PresentedToken, TokenRefused } from './bearer-token.js';
import { ProviderKeys } from './provider-keys.js';
import { type TokenRequest, TokenStrategy } from './token-strategy.js';

/** Tells whether a token is genuine: signed with a key of the issuer that it names. */
@Injectable()
export class TokenVerifier {
  private readonly passport = new passport.Passport().use(new TokenStrategy());

  constructor(private readonly keys: ProviderKeys) {}

  /**
   * @param token of an issuer that somebody has registered: whatever a token names must not make us ask for it
   * @throws TokenRefused; DomainError 503 when that can not be told now
   */
  async verify(token: PresentedToken): Promise<void> {
    const key = await this.keys.find(token.claims.iss, token.header);
    await this.authenticate({ token, key });
  }

  private authenticate(request: TokenRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const judge = (error: unknown, claims: unknown, reason: Error): void => {
        if (claims) resolve();
        else reject(error ?? new TokenRefused(reason.message));
      };
      this.passport.authenticate('jwt', { session: false }, judge)(request, {}, reject);
    });
  }
}
