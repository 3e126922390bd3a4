import type { LoggerService } from '@nestjs/common';
import { type Logger as Pino, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import { PinoPretty } from 'pino-pretty';

/** One JSON line an event; a readable line on a terminal. */
export type Logger = Pino;

/** Injection token of the process's logger. */
export const LOGGER = Symbol('Logger');

const REDACTED = [
  '*.authorization',
  '*.apiKey',
  '*.password',
  '*.secretKey',
  '*.platformKey',
  '*.tlsAskKey',
  // A failed statement carries its parameters, and the database quotes rows and values: customers' data.
  ...['err', 'err.cause'].flatMap((error) =>
    ['parameters', 'query', 'driverError', 'detail', 'where', 'internalQuery'].map((field) => `${error}.${field}`),
  ),
];

export const loggerOptions = (level: string): LoggerOptions => ({
  level,
  base: null,
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (label: string) => ({ level: label }) },
  redact: { paths: REDACTED, remove: true },
});

/** @param to standard output, or the error output of a command whose output is its answer */
export function createLogger(level: string, pretty: boolean, to: 1 | 2 = 1): Logger {
  const options = loggerOptions(level);
  return pretty
    ? pino(options, PinoPretty({ colorize: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' }))
    : pino(options, pino.destination({ dest: to, sync: true }));
}

/** Nest's own messages through the same logger; its start-up chatter is for debugging. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...context: unknown[]): void {
    this.logger.debug({ context: context.at(-1) }, String(message));
  }
  warn(message: unknown, ...context: unknown[]): void {
    this.logger.warn({ context: context.at(-1) }, String(message));
  }
  error(message: unknown, ...context: unknown[]): void {
    this.logger.error({ context }, String(message));
  }
}
