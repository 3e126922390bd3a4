export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

/**
 * Reads a server's postmaster.pid: pid, data directory, start time, port, socket directory, address, shared memory,
 * status, a line each (PostgreSQL's src/include/utils/pidfile.h). undefined while the server has not written all of it.
 */
export function parsePostmasterPid(text: string): Postmaster | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  const status = lines[7];
  if (!(pid > 0) || !(port > 0) || status === undefined) return undefined;
  return { pid, port, ready: status === 'ready' };
}
