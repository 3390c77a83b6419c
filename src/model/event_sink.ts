import { EVENT_TYPES } from './event_data_format.ts';
import type { Secret } from './secret.ts';
import type { Severity, VaultEvent } from './vault_event.ts';

/** A webhook receiver of events. Operators configure them, never tenants. */
export interface Sink {
  readonly id: string;
  /** May contain a token of the receiver: never logged. */
  readonly url: string;
  /** Each signs; several during a rotation at the receiver. */
  readonly secrets: readonly Secret[];
  /** Event types, or prefixes that end with a dot (`credential.`). */
  readonly types: readonly string[];
  /** Tenant ids; `*` for all, and for the vault's own events, which belong to no tenant. */
  readonly tenants: readonly string[];
  readonly minSeverity: Severity;
}

/** Without `connection.changed`: there is one for each action of a user, so sinks must request it. */
export const DEFAULT_TYPES = EVENT_TYPES.filter((type) => type !== 'connection.changed');

const RANK = { INFO: 0, WARNING: 1, CRITICAL: 2 } satisfies Record<Severity, number>;

export function isOfType(type: string, wanted: string): boolean {
  return wanted.endsWith('.') ? type.startsWith(wanted) : type === wanted;
}

export function wants(sink: Sink, event: VaultEvent): boolean {
  return (
    RANK[event.severity] >= RANK[sink.minSeverity] &&
    sink.types.some((wanted) => isOfType(event.type, wanted)) &&
    sink.tenants.some((tenant) => tenant === '*' || tenant === event.tenantId)
  );
}
