import type { App } from './app.ts';
import type { Timestamp } from './clock.ts';
import { appName } from './connection.ts';
import type { VaultEvent } from './event.ts';
import { newUid } from './ids.ts';

export interface AppMove {
  readonly before: App;
  readonly after: App;
  readonly time: Timestamp;
}

export type AppStateChangedEvent = Extract<VaultEvent, { readonly type: 'app.state_changed' }>;

/** Undefined where only the evidence is another. While Entra refuses an app, no user of it gets a token. */
export function appStateChanged({ before, after, time }: AppMove): AppStateChangedEvent | undefined {
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
