import { Module } from '@nestjs/common';
import { RedirectsModule } from '../../redirects/redirects.module.js';
import { RedirectServer } from './redirect.server.js';

/** The visitors' side. */
@Module({
  imports: [RedirectsModule],
  providers: [RedirectServer],
})
export class RedirectModule {}
