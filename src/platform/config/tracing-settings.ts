import { z } from 'zod';

/** Where traces go, and which; see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/. */
export interface TracingSettings {
  /** Takes OTLP/HTTP in JSON. */
  url: string;
  headers: Record<string, string>;
  timeoutMs: number;
  serviceName: string;
  resource: Record<string, string>;
  /** Of requests to the API. */
  sampler: { parentBased: boolean; ratio: number };
  /** Of visits, the part that is traced though nobody in front of this process says so. */
  redirectRatio: number;
}

const endpoint = z
  .string()
  .refine((url) => /^https?:\/\//.test(url) && URL.canParse(url), 'must be a URL such as http://collector:4318');

/** `name=value,name=value`, percent-encoded as in W3C Baggage. */
const pairs = z
  .string()
  .refine((text) => text.split(',').every((pair) => /^\s*[^\s=,]+\s*=[^,]*$/.test(pair) && decodable(pair)), {
    message: 'must look like name=value,other-name=value',
  })
  .transform((text) =>
    Object.fromEntries(
      text.split(',').map((pair): [string, string] => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
      }),
    ),
  );

function decodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
const ratio = z.coerce.number().min(0).max(1);

/** OpenTelemetry's own variables as far as they mean something here, and one of ours. */
export const tracingEnvironment = {
  OTEL_SDK_DISABLED: z.enum(['true', 'false']).default('false'),
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.literal('http/json', 'must be http/json, the one that is spoken here').optional(),
  OTEL_EXPORTER_OTLP_HEADERS: pairs.default({}),
  OTEL_EXPORTER_OTLP_TIMEOUT: z.coerce.number().int().min(100).max(60_000).default(10_000),
  OTEL_SERVICE_NAME: z.string().default('waypost'),
  OTEL_RESOURCE_ATTRIBUTES: pairs.default({}),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: ratio.default(1),
  TRACE_REDIRECTS_RATIO: ratio.default(0.01),
};

type TracingEnvironment = z.output<z.ZodObject<typeof tracingEnvironment>>;

/** @returns undefined when nobody wants traces */
export function tracingSettings(env: TracingEnvironment): TracingSettings | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = env;
  const url = own ?? (base && `${base.replace(/\/+$/, '')}/v1/traces`);
  if (url === undefined || env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_SAMPLER === 'always_off')
    return undefined;
  const sampler = env.OTEL_TRACES_SAMPLER;
  return {
    url,
    headers: env.OTEL_EXPORTER_OTLP_HEADERS,
    timeoutMs: env.OTEL_EXPORTER_OTLP_TIMEOUT,
    serviceName: env.OTEL_SERVICE_NAME,
    resource: env.OTEL_RESOURCE_ATTRIBUTES,
    sampler: {
      parentBased: sampler.startsWith('parentbased_'),
      ratio: sampler.endsWith('always_on') ? 1 : sampler.endsWith('always_off') ? 0 : env.OTEL_TRACES_SAMPLER_ARG,
    },
    redirectRatio: env.TRACE_REDIRECTS_RATIO,
  };
}
