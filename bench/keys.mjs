/** Keys of links that SQL makes and visitors ask for: both know them without being told. */

/** Odd, so that no two numbers below SPACE share a key; large, so that neighbours lie far apart in the index. */
const FACTOR = 2_654_435_761 % 2 ** 28;
const SPACE = 2 ** 28;
/** A prime above any number of links: steps of it meet each of them once, in an order the table was not written in. */
const STRIDE = 7_368_787;

/** The key of the n-th link: seven characters, as generated codes have. */
export const keyOf = (n) => ((n * FACTOR) % SPACE).toString(16).padStart(7, '0');
/** The same in SQL. */
export const keySql = (n) => `lpad(to_hex(${n}::bigint * ${FACTOR} % ${SPACE}), 7, '0')`;

/** `count` of `links` links, each at most once: the part that begins at `from` of an order that is always the same. */
export const eachOnce = (links, from, count) =>
  Array.from({ length: count }, (_, at) => keyOf(1 + (((from + at) * STRIDE) % links)));

/** `count` draws of `links` links, the n-th of which is as likely as 1/n^s; always the same draws. */
export function byZipf(links, count, s, seed) {
  const sums = new Float64Array(links);
  let sum = 0;
  for (let n = 0; n < links; n++) sums[n] = sum += 1 / (n + 1) ** s;
  const random = mulberry32(seed);
  return Array.from({ length: count }, () => keyOf(1 + firstAbove(sums, random() * sum)));
}

function firstAbove(sums, value) {
  let low = 0;
  for (let high = sums.length - 1; low < high;) {
    const middle = (low + high) >> 1;
    if (sums[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A small generator of random numbers that can be given a seed, which Math.random can not. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
