import { createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { ConfigError } from '../config/config.js';

/** @throws ConfigError naming the port and its variable when another process has it */
export async function listen(server: FastifyInstance, host: string, port: number, variable: string): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? portTaken(port, variable) : error;
  }
}

export const portTaken = (port: number, variable: string): ConfigError =>
  new ConfigError(
    `Port ${port} is already taken by another process. Set ${variable} to another port, or stop that process.`,
  );

/** Finds out early, before minutes of other work. @throws ConfigError */
export async function assertPortFree(host: string, port: number, variable: string): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? portTaken(port, variable) : error),
    );
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}
