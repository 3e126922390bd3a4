import { Inject, Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { SlowLook } from '../telemetry/slow-look.js';

/** What a job found, for the metrics of all workers. */
export type Outcome = Record<string, number>;

interface Run {
  job: string;
  /** In seconds since 1970. */
  succeededAt: number;
  outcome: Outcome | null;
}

/**
 * When each job of the upkeep last ended well, on whichever worker. It is kept in the database: a process that starts knows
 * it, and whoever looks at one worker sees it of all.
 */
@Injectable()
export class UpkeepRuns {
  private readonly look: SlowLook<Run[]>;

  constructor(
    private readonly database: IngestDatabase,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.look = new SlowLook('upkeep runs', () => this.database.query<Run>(RUNS), logger);
  }

  /** The job is done all the same if this can not be written. */
  async note(job: string, outcome?: Outcome): Promise<void> {
    try {
      await this.database.query(NOTE, [job, outcome ? JSON.stringify(outcome) : null]);
    } catch (error) {
      this.logger.warn({ job, reason: String(error) }, 'That a job of the upkeep ended well could not be noted');
    }
  }

  /** @returns undefined of one that never ended well, and while the database is away */
  async last(job: string): Promise<Run | undefined> {
    return (await this.look.now())?.find((run) => run.job === job);
  }
}

const RUNS = `SELECT job, extract(epoch FROM succeeded_at)::float8 AS "succeededAt", outcome FROM upkeep_runs`;

const NOTE = `
  INSERT INTO upkeep_runs AS known (job, succeeded_at, outcome) VALUES ($1, now(), $2)
  ON CONFLICT (job) DO UPDATE
  SET succeeded_at = greatest(known.succeeded_at, excluded.succeeded_at), outcome = excluded.outcome`;
