import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { parseHostname } from '../platform/http/hostname.js';
import { parseNetwork } from '../platform/outgoing/address-rules.js';

const MOST_RULES = 2_000;

/** A rule that is kept in its one form, or refused. */
const rule = (read: (text: string) => string | undefined, message: string) =>
  z
    .string()
    .max(300)
    .transform((input, issues) => {
      const parsed = read(input.trim());
      if (parsed !== undefined) return parsed;
      issues.addIssue({ code: 'custom', message, params: { code: 'invalid_rule' } });
      return z.NEVER;
    })
    .meta({ type: 'string' });

const rulesOf = (one: ReturnType<typeof rule>, description: string) =>
  z
    .array(one)
    .max(MOST_RULES)
    .transform((rules) => [...new Set(rules)].sort())
    .default([])
    .meta({ description });

const readSuffix = (text: string): string | undefined => {
  const ascii = domainToASCII(text.replace(/^\./, '').toLowerCase());
  return /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(ascii) ? ascii : undefined;
};

const readNetwork = (text: string): string | undefined => (parseNetwork(text) ? text.toLowerCase() : undefined);

const readPattern = (text: string): string | undefined =>
  /^[!-~]{2,200}$/.test(text) && /[^*]/.test(text) ? text.toLowerCase() : undefined;

const rules = z.strictObject({
  domains: rulesOf(rule(parseHostname, 'Use a host name such as example.com.'), 'Host names; each with all below it'),
  tlds: rulesOf(rule(readSuffix, 'Use a suffix such as zip or co.uk.'), 'Top-level domains and other public suffixes'),
  networks: rulesOf(
    rule(readNetwork, 'Use a network in CIDR form such as 10.0.0.0/8.'),
    'For destinations whose host is an address',
  ),
  patterns: rulesOf(
    rule(readPattern, 'Use 2 to 200 visible ASCII characters, and not asterisks alone.'),
    'Of host, path and query, whatever their case; * stands for anything: *.example.com/login*',
  ),
});
const noRules = { domains: [], tlds: [], networks: [], patterns: [] };

export const destinationPolicy = z.strictObject({
  deny: rules.default(noRules),
  allow: rules.default(noRules).meta({ description: 'If any is there, what fits none is refused' }),
  suspiciousHosts: z.enum(['warn', 'refuse']).default('warn').meta({
    description: 'What to do with hosts that mix scripts or look like another name: show a warning, or refuse them',
  }),
});
export type PutDestinationPolicy = z.output<typeof destinationPolicy>;

const shownRules = z.object({
  domains: z.array(z.string()),
  tlds: z.array(z.string()),
  networks: z.array(z.string()),
  patterns: z.array(z.string()),
});

export const destinationPolicyResponse = z.object({
  deny: shownRules,
  allow: shownRules,
  suspiciousHosts: z.enum(['warn', 'refuse']),
});
