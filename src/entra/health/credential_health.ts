import type { CredentialVerdict, UsableCredential } from '../../model/app_credential.ts';
import type { AppStateStore } from '../../model/app_state_store.ts';
import type { Clock, Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import type { Log } from '../../telemetry/log_events.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';

export interface CredentialHealth {
  verdict: CredentialVerdict;
  entraError: string | undefined;
  /** When the verdict was last stored; undefined: it is not. */
  recordTime: Timestamp | undefined;
  preferTime: Timestamp | undefined;
  /** Consecutive exchanges that it served. */
  successes: number;
}

/** The health of an app's credentials since their rows were read. The next response repeats a failed write. */
export function createCredentialHealths(parts: {
  app: App;
  appStateStore: AppStateStore;
  clock: Clock;
  metrics: EntraMetrics;
  log: Log;
}) {
  const { app, appStateStore, clock, metrics, log } = parts;
  const healths = new Map<string, CredentialHealth>();

  function healthOf({ credential }: UsableCredential): CredentialHealth {
    const found = healths.get(credential.uid);
    if (found !== undefined) return found;
    const { verdict, entraError, lastUsedTime, preferTime } = credential;
    const recordTime = verdict === 'VALID' ? lastUsedTime : undefined;
    const created: CredentialHealth = { verdict, entraError, recordTime, preferTime, successes: 0 };
    healths.set(credential.uid, created);
    return created;
  }

  return {
    of: healthOf,
    async recordVerdict(usable: UsableCredential) {
      const health = healthOf(usable);
      const time = clock.now();
      // Set before the write, so that concurrent exchanges do not write it as well.
      health.recordTime = time;
      try {
        await appStateStore.recordVerdict(usable.credential.uid, health.verdict, health.entraError, time);
      } catch {
        health.recordTime = undefined;
        metrics.appStateWriteFailed();
      }
    },
    /** The credential is presented first from now on. */
    async prefer(usable: UsableCredential) {
      const { uid, credentialId: credential } = usable.credential;
      const latest = Math.max(...[...healths.values()].map(({ preferTime }) => preferTime ?? 0));
      // Later than that of any other credential, even if the clock was set back.
      const time = Math.max(clock.now(), latest + 1);
      const health = healthOf(usable);
      health.preferTime = time;
      try {
        await appStateStore.prefer(uid, time);
      } catch {
        health.preferTime = undefined;
        metrics.appStateWriteFailed();
        return;
      }
      if (healths.size > 1) log.event('info', 'entra_credential_preferred', { app: appName(app), credential });
    },
  };
}
