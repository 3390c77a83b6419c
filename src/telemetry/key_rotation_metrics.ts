import type { Meter } from './prometheus_meter.ts';

export function createKeyRotationMetrics(meter: Meter) {
  const pendingDataKeys = meter.gauge(
    'tokenvault_root_key_rotation_pending_data_keys',
    'Data keys that this process has still to wrap under the active root key; 0 without a rotation, and at replicas that do not lead it.',
  );
  const rewrapped = meter.counter(
    'tokenvault_data_keys_rewrapped_total',
    'Data keys that this process wrapped under another root key.',
  );
  const pendingTenants = meter.gauge(
    'tokenvault_tenant_key_rotation_pending_tenants',
    'Tenants with values that this process has still to seal under their newest data key; 0 without a rotation, and at replicas that do not lead it.',
  );
  const resealed = meter.counter(
    'tokenvault_sealed_values_resealed_total',
    'Values that this process sealed under a newer data key of their tenant.',
  );
  return {
    ofRootKey: {
      pending: (count: number) => pendingDataKeys.set(count),
      rewrapped: (count: number) => rewrapped.inc(count),
    },
    ofTenantKeys: {
      pending: (tenants: number) => pendingTenants.set(tenants),
      resealed: (values: number) => resealed.inc(values),
    },
  };
}
