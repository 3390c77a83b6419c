import type { Timestamp } from './clock.ts';
import { appName } from './connection.ts';
import type { App } from './entra_app.ts';
import { newUid } from './id_patterns.ts';
import type { VaultEvent } from './vault_event.ts';

export type AppStateChangedEvent = Extract<VaultEvent, { readonly type: 'app.state_changed' }>;

/** Undefined if the state is the same. While Entra refuses an app, none of its users gets a token. */
export function appStateChanged(before: App, after: App, time: Timestamp): AppStateChangedEvent | undefined {
  if (before.state === after.state) return undefined;
  return {
    uid: newUid(),
    dedupeKey: undefined,
    type: 'app.state_changed',
    severity: after.state === 'OK' ? 'INFO' : 'CRITICAL',
    tenantUid: after.tenantUid,
    tenantId: after.tenantId,
    subject: appName(after),
    time,
    data: {
      state: after.state,
      previousState: before.state,
      reason: after.stateReason?.reason,
      entraError: after.stateReason?.entraError,
    },
  };
}
