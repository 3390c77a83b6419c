import type { SecretChangeHandler } from '../credential_lifecycle/secret_change_handler.ts';
import type { Secret } from '../model/secret.ts';
import type { SecretSource } from '../model/secret_source.ts';

/** The dependencies of the Event Grid endpoint. */
export interface EventGridParts {
  /** Any caller with one of these keys is trusted, because Event Grid does not sign its requests. */
  readonly keys: readonly Secret[];
  /** Origins of the key vaults that credentials may refer to. */
  readonly keyVaults: readonly string[];
  readonly secretSource: Pick<SecretSource, 'checkUri'>;
  readonly secretChanges: SecretChangeHandler;
  readonly metrics: EventGridMetrics;
}

export interface EventGridMetrics {
  /** `count`: events; default 1. */
  received(outcome: EventGridOutcome, count?: number): void;
}

export type EventGridOutcome =
  | 'accepted'
  /** No credential refers to the secret. */
  | 'unreferenced'
  /** It was accepted before. */
  | 'replayed'
  /** Of a key vault, or a secret, that credentials may not refer to. */
  | 'foreign'
  | 'foreign_type'
  | 'malformed'
  /** The database is unavailable: Event Grid resends it. */
  | 'failed'
  /** Counts a request without the key, not an event. */
  | 'unauthorized';
