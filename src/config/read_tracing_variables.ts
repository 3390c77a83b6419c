/** Whether and how much to trace. The exporter itself reads the address and headers. */
export interface TracingConfig {
  /** Share of the calls without a trace context of their own, 0 to 1. */
  readonly ratio: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
const RATIO = 'OTEL_TRACES_SAMPLER_ARG';

/**
 * The variables of OpenTelemetry (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 * Undefined: no endpoint is set, or they turn tracing off.
 */
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
