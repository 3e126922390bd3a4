import { type DynamicModule, Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Readiness } from '../ops/readiness.js';
import { DeploymentKeys } from '../secrets/deployment-keys.js';
import { Secrets } from '../secrets/secrets.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { connect } from './connect.js';
import { IngestDatabase } from './ingest-database.js';
import { ResolverDatabase } from './resolver-database.js';
import { Transactions } from './transactions.js';

type Entities = Array<new () => object>;

@Module({})
class AppDatabaseModule {}

@Module({})
class IngestDatabaseModule {}

@Module({})
class ResolverDatabaseModule {}

/** Gives `Transactions`, and the keys that are kept behind them. */
export const appDatabase = (entities: Entities): DynamicModule => ({
  module: AppDatabaseModule,
  global: true,
  providers: [
    {
      provide: Transactions,
      inject: [Config, LOGGER, Readiness],
      useFactory: async ({ databaseUrls, poolSize }: Config, logger: Logger, readiness: Readiness) => {
        const options = { applicationName: 'waypost-app', poolSize, entities };
        const { app, replica } = databaseUrls;
        const transactions = new Transactions(
          await connect({ ...options, url: app, pool: 'app' }, logger),
          replica && (await connect({ ...options, url: replica.app, pool: 'app_replica' }, logger)),
        );
        readiness.add('database', () => transactions.ping());
        return transactions;
      },
    },
    { provide: DeploymentKeys, inject: [Transactions, Secrets], useFactory: DeploymentKeys.load },
  ],
  exports: [Transactions, DeploymentKeys],
});

/** Gives `IngestDatabase`. */
export const ingestDatabase = (entities: Entities): DynamicModule => ({
  module: IngestDatabaseModule,
  global: true,
  providers: [
    {
      provide: IngestDatabase,
      inject: [Config, LOGGER],
      useFactory: async ({ databaseUrls }: Config, logger: Logger) =>
        new IngestDatabase(
          await connect(
            { url: databaseUrls.ingest, applicationName: 'waypost-ingest', pool: 'ingest', poolSize: 4, entities },
            logger,
          ),
        ),
    },
  ],
  exports: [IngestDatabase],
});

/** Gives `ResolverDatabase`; connects when first asked, so that the redirect role starts without a database. */
export const resolverDatabase: DynamicModule = {
  module: ResolverDatabaseModule,
  global: true,
  providers: [
    {
      provide: ResolverDatabase,
      inject: [Config, LOGGER],
      useFactory: ({ databaseUrls }: Config, logger: Logger) =>
        new ResolverDatabase({ primary: databaseUrls.resolver, replica: databaseUrls.replica?.resolver }, logger),
    },
  ],
  exports: [ResolverDatabase],
};
