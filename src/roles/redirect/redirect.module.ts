import { Module } from '@nestjs/common';
import { LoadShedder } from '../../platform/resilience/load-shedder.js';
import { RedirectsModule } from '../../redirects/redirects.module.js';
import { RedirectServer } from './redirect.server.js';

/** The visitors' side. */
@Module({
  imports: [RedirectsModule],
  providers: [{ provide: LoadShedder, useFactory: () => new LoadShedder() }, RedirectServer],
})
export class RedirectModule {}
