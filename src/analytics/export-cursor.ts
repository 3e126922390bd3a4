/** Where an export stands: after this click. The time has microseconds. */
export interface ExportPosition {
  time: string;
  id: string;
}

const POSITION =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z) ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/**
 * A cursor of one line. Signed is the export that it belongs to, once for all lines; another position is no more than
 * another time to start at, which anybody may choose.
 */
export const writeExportCursor = (signedExport: string, { time, id }: ExportPosition): string =>
  `${signedExport}.${Buffer.from(`${time} ${id}`).toString('base64url')}`;

/** @returns undefined when it is no such cursor */
export function readExportCursor(cursor: string): { signedExport: string; position: ExportPosition } | undefined {
  const [signedExport = '', position = ''] = cursor.split('.', 2);
  const [, time, id] = POSITION.exec(Buffer.from(position, 'base64url').toString()) ?? [];
  if (time === undefined || id === undefined || Number.isNaN(Date.parse(time))) return undefined;
  return { signedExport, position: { time, id } };
}
