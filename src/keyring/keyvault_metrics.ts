/** What is counted of client secrets that are read from key vaults. */
export interface KeyVaultMetrics {
  read(outcome: KeyVaultOutcome): void;
}

/** `away`: no answer, or none that says anything of the secret. `unusable`: there is none, it is disabled, or its value is no client secret. */
export type KeyVaultOutcome = 'read' | 'unavailable' | 'unusable';

export const silentKeyVaultMetrics: KeyVaultMetrics = { read() {} };
