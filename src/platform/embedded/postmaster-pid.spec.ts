import { parsePostmasterPid } from './postmaster-pid.js';

const RUNNING = ['4346', '/data/postgres', '1795462090', '35661', '', '127.0.0.1', '  6558 3', 'ready   ', ''];

describe('parsePostmasterPid', () => {
  it('reads the pid and port of a running server', () => {
    expect(parsePostmasterPid(RUNNING.join('\n'))).toEqual({ pid: 4346, port: 35661, ready: true });
  });

  it.each(['starting', 'stopping'])('is not ready while it is %s', (status) => {
    expect(parsePostmasterPid(RUNNING.with(7, status).join('\n'))).toMatchObject({ ready: false });
  });

  it.each([0, 1, 4, 7])('says nothing of a file of which %i lines are written', (lines) => {
    expect(parsePostmasterPid(RUNNING.slice(0, lines).join('\n'))).toBeUndefined();
  });
});
