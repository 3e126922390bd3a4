import type { OnApplicationShutdown } from '@nestjs/common';
import type { DataSource, QueryRunner } from 'typeorm';

/** The worker's connections, as waypost_ingest: it writes the analytics of every tenant and finds upkeep to do. */
export class IngestDatabase implements OnApplicationShutdown {
  constructor(private readonly dataSource: DataSource) {}

  query<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.dataSource.query(sql, parameters);
  }

  /** Runs `work` in one transaction; any error rolls it back. */
  async transaction<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.dataSource.transaction((manager) => work(manager.queryRunner as QueryRunner));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.dataSource.destroy();
  }
}
