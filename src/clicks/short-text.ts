const MAX_VALUE = 200;

/** A value that stands in keys of rollups: cut to what an index takes, without what PostgreSQL can not store. */
export const shortText = (text: string | null | undefined): string | undefined =>
  text?.replaceAll('\0', '').trim().toWellFormed().slice(0, MAX_VALUE).toWellFormed() || undefined;
