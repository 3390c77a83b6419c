import type { SecretChangeHandler } from '../credential_lifecycle/key_vault_secret_change_handler.ts';
import { isVaultError } from '../model/errors.ts';
import { type SecretSource, withoutVersion } from '../model/key_vault_secret_reader_interface.ts';
import type { Secret } from '../model/secret.ts';
import { type GridEvent, secretUriIn } from './parse_event_grid_event.ts';

/** The dependencies of the Event Grid endpoint. */
export interface EventGridParts {
  /** Any caller with one of these keys is trusted, because Event Grid does not sign its requests. */
  readonly keys: () => readonly Secret[];
  /** Origins of the key vaults that credentials may refer to. */
  readonly keyVaults: readonly string[];
  readonly secretSource: Pick<SecretSource, 'checkUri'>;
  readonly secretChanges: SecretChangeHandler;
  /** `count`: events; default 1. */
  readonly metrics: { received(outcome: EventGridOutcome, count?: number): void };
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

/** https://learn.microsoft.com/azure/event-grid/event-schema-key-vault */
const TYPES = new Set([
  'microsoft.keyvault.secretnearexpiry',
  'microsoft.keyvault.secretnewversioncreated',
  'microsoft.keyvault.secretexpired',
]);
/** Event Grid retries for a day, and may resend an accepted event. */
const MOST_REMEMBERED = 10_000;

/** Filters events, and reports each changed secret once. */
export function createEventGridHandler({
  keyVaults,
  secretSource,
  secretChanges,
  metrics,
}: Omit<EventGridParts, 'keys'>) {
  const accepted = new Set<string>();

  /** Returns the secret, or why the event is ignored. */
  function classify(event: GridEvent): { secret: string; identity: string } | { outcome: EventGridOutcome } {
    const { type, identity } = event;
    if (!TYPES.has(type)) return { outcome: 'foreign_type' };
    if (accepted.has(identity)) return { outcome: 'replayed' };
    const uri = secretUriIn(event, keyVaults);
    if (uri === undefined) return { outcome: 'malformed' };
    try {
      return { secret: withoutVersion(secretSource.checkUri('data.id', uri)), identity };
    } catch (failure) {
      if (isVaultError(failure, 'FIELD_INVALID')) return { outcome: 'foreign' };
      throw failure;
    }
  }

  /** False: the database is unavailable. */
  async function report(secret: string, identities: ReadonlySet<string>): Promise<boolean> {
    try {
      const apps = await secretChanges.onSecretChanged(secret);
      metrics.received(apps > 0 ? 'accepted' : 'unreferenced', identities.size);
    } catch (failure) {
      if (!isVaultError(failure, 'DATABASE_UNAVAILABLE')) throw failure;
      metrics.received('failed', identities.size);
      return false;
    }
    for (const identity of identities) {
      accepted.add(identity);
      const [oldest] = accepted;
      if (accepted.size > MOST_REMEMBERED && oldest !== undefined) accepted.delete(oldest);
    }
    return true;
  }

  return {
    /** Undefined: an unreadable event. False: not all were accepted, so Event Grid must resend them. */
    async accept(events: readonly (GridEvent | undefined)[]): Promise<boolean> {
      const bySecret = new Map<string, Set<string>>();
      for (const event of events) {
        const classified = event && classify(event);
        if (classified === undefined) metrics.received('malformed');
        else if ('outcome' in classified) metrics.received(classified.outcome);
        else {
          const { secret, identity } = classified;
          const identities = bySecret.get(secret) ?? new Set();
          if (identities.has(identity)) metrics.received('replayed');
          bySecret.set(secret, identities.add(identity));
        }
      }
      let isAccepted = true;
      for (const [secret, identities] of bySecret) isAccepted = (await report(secret, identities)) && isAccepted;
      return isAccepted;
    },
  };
}
