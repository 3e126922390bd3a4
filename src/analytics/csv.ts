// A spreadsheet takes a cell that begins with one of these for a formula, whoever wrote it.
const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

function cell(value: string | number | boolean | null): string {
  if (value === null) return '';
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A record of RFC 4180, with its line end. */
export const csvRecord = (values: Array<string | number | boolean | null>): string =>
  `${values.map(cell).join(',')}\r\n`;
