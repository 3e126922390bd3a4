import { describe, expect, it } from '@jest/globals';
import { ConfigError, readSettings } from './config.js';

const tracing = (variables: Record<string, string>) => readSettings(variables, 'run').tracing;
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };

describe('the settings of traces', () => {
  it('are none until an endpoint is set, or when traces are switched off', () => {
    expect(tracing({ OTEL_SERVICE_NAME: 'links', TRACE_REDIRECTS_RATIO: '1' })).toBeUndefined();
    expect(tracing({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(tracing({ ...ENDPOINT, OTEL_TRACES_SAMPLER: 'always_off' })).toBeUndefined();
  });

  it('need an endpoint and nothing else', () =>
    expect(tracing(ENDPOINT)).toEqual({
      url: 'http://collector:4318/v1/traces',
      headers: {},
      timeoutMs: 10_000,
      serviceName: 'waypost',
      resource: {},
      sampler: { parentBased: true, ratio: 1 },
      redirectRatio: 0.01,
    }));

  it('take the endpoint of traces as it is', () =>
    expect(tracing({ ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/in' })?.url).toBe(
      'https://traces.example/in',
    ));

  it.each([
    ['always_on', '0.2', { parentBased: false, ratio: 1 }],
    ['traceidratio', '0.2', { parentBased: false, ratio: 0.2 }],
    ['parentbased_always_off', '0.2', { parentBased: true, ratio: 0 }],
    ['parentbased_traceidratio', '0.2', { parentBased: true, ratio: 0.2 }],
    ['parentbased_traceidratio', '', { parentBased: true, ratio: 1 }],
  ])('sample with %s and %j', (OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, expected) =>
    expect(tracing({ ...ENDPOINT, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG })?.sampler).toEqual(expected),
  );

  it('read lists as W3C Baggage has them', () =>
    expect(
      tracing({
        ...ENDPOINT,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi, x-team=links',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,empty=',
      }),
    ).toMatchObject({
      headers: { authorization: 'Basic YTpi', 'x-team': 'links' },
      resource: { 'deployment.environment.name': 'test', empty: '' },
    }));

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'secret-without-name'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%E0%A4%A'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', 'soon'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['TRACE_REDIRECTS_RATIO', '-1'],
  ])('refuse %s=%s by its name', (name, value) => {
    const refused = (): unknown => tracing({ ...ENDPOINT, [name]: value });
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(`  ${name}: `);
  });
});
