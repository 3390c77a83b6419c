import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { cachedByLabel } from './label_cache.ts';

export function createRpcMetrics(registry: Registry) {
  const registers = [registry];
  const calls = new Counter({
    name: 'tokenvault_calls_total',
    help: 'Calls that ended, by method and status (OK or a reason).',
    labelNames: ['method', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'tokenvault_call_seconds',
    help: 'Time from the first look at a call to its answer.',
    labelNames: ['method'],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 15],
    registers,
  });
  const inFlight = new Gauge({ name: 'tokenvault_calls_in_flight', help: 'Calls under way.', registers });

  const limited = new Counter({
    name: 'tokenvault_transport_limited_total',
    help: 'Connections and streams that the gRPC listeners refused or ended, by limit.',
    labelNames: ['limit'],
    registers,
  });

  const callsOf = cachedByLabel((key) => {
    const [method = '', status = ''] = key.split(' ');
    return calls.labels(method, status);
  });
  const durationOf = cachedByLabel((method) => duration.labels(method));

  return {
    finished(method: string, status: string, seconds: number) {
      callsOf(`${method} ${status}`).inc();
      durationOf(method).observe(seconds);
    },
    limited: (limit: string) => limited.inc({ limit }),
    inFlight: (change: 1 | -1) => inFlight.inc(change),
  };
}
