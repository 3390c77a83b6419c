import type { Meter } from './prometheus_meter.ts';

export function createRootKeyRotationMetrics(meter: Meter) {
  const pending = meter.gauge(
    'tokenvault_root_key_rotation_pending_data_keys',
    'Data keys that this process has still to wrap under the active root key; 0 without a rotation, and at replicas that do not lead it.',
  );
  const rewrapped = meter.counter(
    'tokenvault_data_keys_rewrapped_total',
    'Data keys that this process wrapped under another root key.',
  );
  return {
    pending: (count: number) => pending.set(count),
    rewrapped: (count: number) => rewrapped.inc(count),
  };
}
