import { isVaultError } from '../model/errors.ts';
import { withoutVersion } from '../model/secret_uri.ts';
import { type GridEvent, secretUriIn } from './event_grid_event.ts';
import type { EventGridOutcome, EventGridParts } from './event_grid_parts.ts';

/** https://learn.microsoft.com/azure/event-grid/event-schema-key-vault */
const TYPES = new Set([
  'microsoft.keyvault.secretnearexpiry',
  'microsoft.keyvault.secretnewversioncreated',
  'microsoft.keyvault.secretexpired',
]);
/** Event Grid tries for a day, and may bring an event that was taken. */
const REMEMBERED = 10_000;

export interface EventGridHandler {
  /** Undefined stands for one that cannot be read. False: not all could be taken, so that they must come again. */
  take(events: readonly (GridEvent | undefined)[]): Promise<boolean>;
}

/** Sorts events, and hands each secret on once. */
export function createEventGridHandler({
  keyVaults,
  secretSource,
  secretChanges,
  metrics,
}: EventGridParts): EventGridHandler {
  const taken = new Set<string>();

  function judge(event: GridEvent | undefined): { readonly secret: string } | { readonly outcome: EventGridOutcome } {
    if (event === undefined) return { outcome: 'malformed' };
    if (!TYPES.has(event.type)) return { outcome: 'foreign_type' };
    if (taken.has(event.identity)) return { outcome: 'replayed' };
    const uri = secretUriIn(event, keyVaults);
    if (uri === undefined) return { outcome: 'malformed' };
    try {
      return { secret: withoutVersion(secretSource.checkUri('data.id', uri)) };
    } catch (failure) {
      if (isVaultError(failure, 'FIELD_INVALID')) return { outcome: 'foreign' };
      throw failure;
    }
  }

  function remember(identity: string): void {
    taken.add(identity);
    const [oldest] = taken;
    if (taken.size > REMEMBERED && oldest !== undefined) taken.delete(oldest);
  }

  /** True: it was taken. */
  async function hand(secret: string, events: ReadonlySet<string>): Promise<boolean> {
    try {
      const apps = await secretChanges.onSecretChanged(secret);
      metrics.received(apps > 0 ? 'accepted' : 'unreferenced', events.size);
    } catch (failure) {
      if (!isVaultError(failure, 'DATABASE_UNAVAILABLE')) throw failure;
      metrics.received('failed', events.size);
      return false;
    }
    for (const identity of events) remember(identity);
    return true;
  }

  return {
    async take(events) {
      const bySecret = new Map<string, Set<string>>();
      for (const event of events) {
        const judged = judge(event);
        if ('outcome' in judged) metrics.received(judged.outcome);
        else if (event !== undefined) {
          const those = bySecret.get(judged.secret) ?? new Set();
          if (those.has(event.identity)) metrics.received('replayed');
          bySecret.set(judged.secret, those.add(event.identity));
        }
      }
      let all = true;
      for (const [secret, those] of bySecret) all = (await hand(secret, those)) && all;
      return all;
    },
  };
}
