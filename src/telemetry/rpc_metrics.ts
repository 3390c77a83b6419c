import { keptByLabel, type Meter } from './prometheus_meter.ts';

export function createRpcMetrics(meter: Meter) {
  const calls = meter.counterOfSeries(
    'tokenvault_calls_total',
    'Completed calls, by method and status (OK or a reason). A batch counts once, and each of its tokens as a call of GetAccessToken.',
    ['method', 'status'],
  );
  const duration = meter.histogramOfSeries(
    'tokenvault_call_seconds',
    'Duration of a call, from the start of its handler to its response.',
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 15],
    ['method'],
  );
  let inFlight = 0;
  meter.observed(
    'tokenvault_calls_in_flight',
    'Calls in progress.',
    [],
    () => inFlight,
    (gauge, count) => gauge.set(count),
  );

  const limited = meter.counter(
    'tokenvault_transport_limited_total',
    'Connections and streams that the gRPC listeners rejected or closed, by limit.',
    ['limit'],
  );

  const rateExceeded = meter.counterOfSeries(
    'tokenvault_call_rate_exceeded_total',
    'Calls that were refused because they exceed the rate of the rules of their caller in the callers file.',
    ['caller'],
  );

  const ofMethod = keptByLabel((method) => ({
    calls: keptByLabel((status) => calls({ method, status })),
    duration: duration({ method }),
  }));
  const rateExceededOf = keptByLabel((caller) => rateExceeded({ caller }));

  return {
    finished(method: string, status: string, seconds: number) {
      const own = ofMethod(method);
      own.calls(status).inc();
      own.duration.observe(seconds);
    },
    limited: (limit: string) => limited.inc({ limit }),
    rateExceeded: (caller: string) => rateExceededOf(caller).inc(),
    inFlight(change: 1 | -1) {
      inFlight += change;
    },
  };
}
