import type { VariableText } from './variable_texts.ts';

/** Whether and how much to trace. The exporter itself reads the address and headers. */
export interface TracingConfig {
  /** Share of the calls without a trace context of their own, 0 to 1. */
  readonly ratio: number;
}

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
export const TRACING_VARIABLES = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    text: 'Where traces are sent, by OTLP over HTTP with protobuf; the path `v1/traces` is appended. An export may take 2 s ([ADR 59](adr/0059-traces.md)).',
    format: 'http or https URL, such as `http://127.0.0.1:4318`',
    unset: 'no traces are made',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    text: 'The same with its full path. It takes precedence.',
    format: 'http or https URL',
    unset: 'as `OTEL_EXPORTER_OTLP_ENDPOINT`',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    text: 'Headers of each export, such as a key of the receiver.',
    format: '`NAME=VALUE`, several separated by commas',
    unset: 'none',
    secret: 'the value',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    text: 'Share of the calls that are traced. A call with a W3C trace context (`traceparent`) follows the decision of its caller.',
    format: 'number from 0 to 1',
    unset: '`1`',
  },
  OTEL_TRACES_EXPORTER: {
    text: '`none` turns traces off; nothing else has an effect.',
    format: '`none`',
    unset: 'traces are sent if there is an endpoint',
  },
  OTEL_SDK_DISABLED: {
    text: '`true` turns traces off.',
    format: '`true` or `false`',
    unset: '`false`',
  },
  OTEL_SERVICE_NAME: {
    text: 'Name of the service in the traces.',
    format: 'text',
    unset: '`token-vault`',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    text: 'Further attributes of the process in the traces.',
    format: '`NAME=VALUE`, several separated by commas',
    unset: 'none',
  },
} as const satisfies Readonly<Record<string, VariableText>>;

type Name = keyof typeof TRACING_VARIABLES;
type Variables = Readonly<Partial<Record<Name, string | undefined>>>;

const ENDPOINTS: readonly Name[] = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
const RATIO: Name = 'OTEL_TRACES_SAMPLER_ARG';

/** Undefined: no endpoint is set, or the variables turn tracing off. */
export function readTracing(variables: Variables): {
  readonly tracing: TracingConfig | undefined;
  readonly faults: readonly string[];
} {
  const endpoints = ENDPOINTS.filter((name) => (variables[name] ?? '') !== '');
  const isOff = variables['OTEL_SDK_DISABLED'] === 'true' || variables['OTEL_TRACES_EXPORTER'] === 'none';
  if (endpoints.length === 0 || isOff) return { tracing: undefined, faults: [] };
  const faults = endpoints
    .filter((name) => !/^https?:$/.test(URL.parse(variables[name] ?? '')?.protocol ?? ''))
    .map((name) => `${name}: must be the http or https URL of an OTLP receiver, such as http://127.0.0.1:4318`);
  const ratio = Number(variables[RATIO] || 1);
  if (!(ratio >= 0 && ratio <= 1)) faults.push(`${RATIO}: must be a share of the calls from 0 to 1, such as 0.01`);
  return { tracing: faults.length === 0 ? { ratio } : undefined, faults };
}
