import type { Meter } from './prometheus_meter.ts';

/** Read at each scrape. */
export interface CallersFileFacts {
  /** Of the file in use; undefined: none is configured. */
  readonly sha256: () => string | undefined;
  readonly isRejected: () => boolean;
}

export function createCallersFileMetrics(meter: Meter, { sha256, isRejected }: CallersFileFacts): void {
  meter.observed(
    'tokenvault_callers_file_info',
    '1, with the SHA-256 of the callers file in use. Replicas with different values have different callers.',
    ['sha256'],
    sha256,
    (gauge, used) => {
      gauge.reset();
      if (used !== undefined) gauge.set({ sha256: used }, 1);
    },
  );
  meter.observed(
    'tokenvault_callers_file_rejected',
    '1 if the callers file has content that is not valid, so that an earlier one is in use; else 0.',
    [],
    isRejected,
    (gauge, is) => gauge.set(is ? 1 : 0),
  );
}

/** Token issuers, each with the reason why its keys cannot be read. */
export type TokenIssuerFaults = () => readonly { readonly issuerId: string; readonly fault: string | undefined }[];

export function createTokenIssuerMetrics(meter: Meter, faults: TokenIssuerFaults): void {
  meter.observed(
    'tokenvault_token_issuer_keys_unavailable',
    '1 if the public keys of a token issuer cannot be read, so that the last ones are in use; else 0.',
    ['issuer'],
    faults,
    (gauge, all) => {
      gauge.reset();
      for (const { issuerId, fault } of all) gauge.set({ issuer: issuerId }, fault === undefined ? 0 : 1);
    },
  );
}
