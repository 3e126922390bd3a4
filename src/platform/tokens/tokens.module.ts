import { Module } from '@nestjs/common';
import { ProviderKeys } from './provider-keys.js';
import { TokenVerifier } from './token-verifier.js';

@Module({ providers: [ProviderKeys, TokenVerifier], exports: [ProviderKeys, TokenVerifier] })
export class TokensModule {}
