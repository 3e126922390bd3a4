/** Values of which one must be met, and values of which none may be. The empty value stands for "not known". */
export interface ValueFilter {
  include: string[];
  exclude: string[];
}

/**
 * Reads a filter: values parted by commas, or the parameter several times. A leading `-` excludes the value, `\` takes
 * the next character as it is.
 */
export function parseFilter(given: string | string[]): ValueFilter {
  const filter: ValueFilter = { include: [], exclude: [] };
  for (const text of [given].flat()) {
    for (const part of split(text)) {
      const excluded = part.startsWith('-');
      const value = (excluded ? part.slice(1) : part).replace(/\\(.)/gsu, '$1');
      (excluded ? filter.exclude : filter.include).push(value);
    }
  }
  return filter;
}

/** At commas that no backslash stands before. */
const split = (text: string): string[] => {
  const parts = [''];
  for (const piece of text.match(/\\.|[^\\]|\\$/gsu) ?? []) {
    if (piece === ',') parts.push('');
    else parts[parts.length - 1] += piece;
  }
  return parts;
};

export const mapFilter = ({ include, exclude }: ValueFilter, change: (value: string) => string): ValueFilter => ({
  include: include.map(change),
  exclude: exclude.map(change),
});
