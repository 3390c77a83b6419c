import type { EventType, Severity, VaultEvent } from './event.ts';
import type { Secret } from './secret.ts';

/** Somebody outside who is told of events. The operator's configuration names them, never a tenant. */
export interface Sink {
  readonly id: string;
  /** May hold a token of the receiver's in its path: never logged. */
  readonly url: string;
  /** Each signs; several while the receiver changes from one to the next. */
  readonly secrets: readonly Secret[];
  /** Types by name, or all that begin with what ends in a dot (`credential.`). */
  readonly types: readonly string[];
  /** Ids; `*` for all, and for the vault's own events, which belong to no tenant. */
  readonly tenants: readonly string[];
  readonly minSeverity: Severity;
}

export const EVENT_TYPES = Object.keys({
  'connection.changed': true,
  'connection.idle_expiring': true,
  'credential.expiring': true,
  'credential.expired': true,
  'credential.rejected': true,
  'credential.expiry_mismatch': true,
  'credential.unknown': true,
  'credential.rotating': true,
  'credential.rotation_failed': true,
  'app.state_changed': true,
  'vault.credential_expiring': true,
  'vault.root_key_rotation_due': true,
} satisfies Record<EventType, true>);

/** There is one of `connection.changed` for each thing that users do: it is for those who ask for it. */
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
