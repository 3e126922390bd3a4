export const REDACTED = '[redacted]';

/** Names of fields that hold secrets, whatever their case and however their words are joined. */
const SECRET_FIELD =
  /(secret|password|passphrase|passwd|credential|privatekey|signingkey|apikey|authorization|cookie|token|hash)s?$/;
/**
 * Texts that are secrets wherever they stand: our own keys, tokens of identity providers, passwords within a URL. None of
 * these looks at a piece of text more than a few times, or a caller could have a process look for seconds.
 */
const SECRET_TEXTS = [
  /\bwpp?_[\w-]{20,}/g,
  /(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /(?<=\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#@:]*:[^\s/?#@]*(?=@)/gi,
];

/**
 * The same without secrets. An event is kept for ever and read by many: what gets in by mistake can not be taken out,
 * since the chain covers it. Dates and whatever else has a `toJSON` become what JSON makes of them.
 */
export function redact(value: object): object {
  return JSON.parse(JSON.stringify(value), (name: string, field: unknown) => {
    if (field === null || field === undefined || typeof field === 'boolean') return field;
    if (SECRET_FIELD.test(name.replaceAll(/[^A-Za-z]/g, '').toLowerCase())) return REDACTED;
    return typeof field === 'string' ? withoutSecrets(field) : field;
  }) as object;
}

const withoutSecrets = (text: string): string =>
  SECRET_TEXTS.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
