import { describe, expect, it } from '@jest/globals';
import { readExportCursor, writeExportCursor } from './export-cursor.js';

const position = { time: '2026-01-01T12:00:00.123456Z', id: '0199b8a1-0000-7000-8000-000000000001' };

describe('export cursors', () => {
  it('are read as they were written', () =>
    expect(readExportCursor(writeExportCursor('signed', position))).toEqual({ signedExport: 'signed', position }));
  it.each([
    '',
    'signed',
    'signed.',
    'signed.x',
    `signed.${Buffer.from('2026-13-45T99:00:00.000000Z x').toString('base64url')}`,
  ])('are not what else there may be: %j', (cursor) => expect(readExportCursor(cursor)).toBeUndefined());
});
