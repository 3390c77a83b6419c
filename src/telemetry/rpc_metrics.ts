import { cachedByLabel, type Meter } from './prometheus_meter.ts';

export function createRpcMetrics(meter: Meter) {
  const calls = meter.counter('tokenvault_calls_total', 'Completed calls, by method and status (OK or a reason).', [
    'method',
    'status',
  ]);
  const duration = meter.histogram(
    'tokenvault_call_seconds',
    'Duration of a call, from the start of its handler to its response.',
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 15],
    ['method'],
  );
  const inFlight = meter.gauge('tokenvault_calls_in_flight', 'Calls in progress.');

  const limited = meter.counter(
    'tokenvault_transport_limited_total',
    'Connections and streams that the gRPC listeners rejected or closed, by limit.',
    ['limit'],
  );

  const rateExceeded = meter.counter(
    'tokenvault_call_rate_exceeded_total',
    'Calls that were refused because they exceed the rate of the rules of their caller in the callers file.',
    ['caller'],
  );

  const callsOf = cachedByLabel((key) => {
    const [method = '', status = ''] = key.split(' ');
    return calls.labels(method, status);
  });
  const durationOf = cachedByLabel((method) => duration.labels(method));
  const rateExceededOf = cachedByLabel((caller) => rateExceeded.labels(caller));

  return {
    finished(method: string, status: string, seconds: number) {
      callsOf(`${method} ${status}`).inc();
      durationOf(method).observe(seconds);
    },
    limited: (limit: string) => limited.inc({ limit }),
    rateExceeded: (caller: string) => rateExceededOf(caller).inc(),
    inFlight: (change: 1 | -1) => inFlight.inc(change),
  };
}
