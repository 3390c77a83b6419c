import type { SecretChangeHandler } from '../credential_lifecycle/secret_change_handler.ts';
import type { Secret } from '../model/secret.ts';
import type { SecretSource } from '../model/secret_source.ts';

/** What taking events of Azure Event Grid needs. */
export interface EventGridParts {
  /** Who brings one of them is believed: Event Grid signs nothing. */
  readonly keys: readonly Secret[];
  /** Origins of the key vaults that credentials may refer to. */
  readonly keyVaults: readonly string[];
  readonly secretSource: Pick<SecretSource, 'checkUri'>;
  readonly secretChanges: SecretChangeHandler;
  readonly metrics: EventGridMetrics;
}

export interface EventGridMetrics {
  /** `count` events; 1 unless given. */
  received(outcome: EventGridOutcome, count?: number): void;
}

export type EventGridOutcome =
  | 'accepted'
  /** No credential refers to the secret. */
  | 'unreferenced'
  /** It was taken before. */
  | 'replayed'
  /** Of a key vault, or a secret, that credentials may not refer to. */
  | 'foreign'
  | 'foreign_type'
  | 'malformed'
  /** The database did not answer: Event Grid brings it again. */
  | 'failed'
  /** A request, not an event: without the key. */
  | 'unauthorized';
