import { domainToUnicode } from 'node:url';
import { parse } from 'tldts';

export type Suspicion = 'mixed_script_host' | 'lookalike_host';

// Those of UAX #31, table 5, that are in common use. A name in any other is taken for mixed.
const SCRIPTS = [
  'Arabic', 'Armenian', 'Bengali', 'Bopomofo', 'Cyrillic', 'Devanagari', 'Ethiopic', 'Georgian', 'Greek', 'Gujarati',
  'Gurmukhi', 'Han', 'Hangul', 'Hebrew', 'Hiragana', 'Kannada', 'Katakana', 'Khmer', 'Lao', 'Latin', 'Malayalam',
  'Myanmar', 'Oriya', 'Sinhala', 'Tamil', 'Telugu', 'Thaana', 'Thai', 'Tibetan',
]; // prettier-ignore

/** What may stand together in one label: UTS #39, section 5.2, "Highly Restrictive". */
const TOGETHER = [
  ...SCRIPTS.map((script) => [script]),
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
].map(
  (scripts) =>
    new RegExp(`^[${[...scripts, 'Common', 'Inherited'].map((script) => `\\p{scx=${script}}`).join('')}]*$`, 'u'),
);

// Letters that look like those of ASCII, and where a word of them alone is a word: after Chromium's policy for
// internationalized names. A label of nothing else is a label in disguise.
const DISGUISES = [
  { letters: /^[аысԁеԍһіюјӏорԗԛѕԝхуъьҽпгѵѡ\d-]+$/u, athome: /^(bg|by|kz|ru|su|ua|uz)$/ },
  { letters: /^[αικνρυωηοτ\d-]+$/u, athome: /^(gr|cy)$/ },
  { letters: /^[ագզէլհյոսւօ\d-]+$/u, athome: /^am$/ },
];

/**
 * Whether a host in ASCII form (punycode) is likely to be taken for another one when it is read in its own letters.
 * Labels of the public suffix are left alone: nobody chose them.
 */
export function suspicionOf(hostname: string): Suspicion | undefined {
  if (!hostname.includes('xn--')) return undefined;
  const { publicSuffix } = parse(hostname, { detectIp: false });
  const suffixLabels = publicSuffix ? publicSuffix.split('.').length : 1;
  const labels = domainToUnicode(hostname.replace(/\.$/, '')).split('.').slice(0, -suffixLabels);
  if (labels.some((label) => !TOGETHER.some((profile) => profile.test(label)))) return 'mixed_script_host';
  return labels.some((label) => isDisguised(label, publicSuffix ?? '')) ? 'lookalike_host' : undefined;
}

function isDisguised(label: string, publicSuffix: string): boolean {
  const top = publicSuffix.slice(publicSuffix.lastIndexOf('.') + 1);
  if (/^[\d-]*$/.test(label) || top.startsWith('xn--')) return false;
  return DISGUISES.some(({ letters, athome }) => letters.test(label) && !athome.test(top));
}
