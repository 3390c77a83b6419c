import type { Meter } from './prometheus_meter.ts';

/** Read at each scrape. */
export interface ClientCaFacts {
  readonly isRejected: () => boolean;
}

export function createClientCaMetrics(meter: Meter, { isRejected }: ClientCaFacts): void {
  meter.observed(
    'tokenvault_client_ca_rejected',
    '1 if a file with CAs of client certificates has content that is not valid, so that earlier CAs are in use; else 0.',
    [],
    isRejected,
    (gauge, is) => gauge.set(is ? 1 : 0),
  );
}
