import type { App } from '../../model/app.ts';
import type { AppStateStore } from '../../model/app_state_store.ts';
import type { Clock, Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { CredentialVerdict, UsableCredential } from '../../model/credential.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EntraMetrics } from '../entra_metrics.ts';

/** What was learned of an app's credentials since their rows were read, and the writing of it into them. */
export interface CredentialHealths {
  of(usable: UsableCredential): CredentialHealth;
  /** As its standing has it. */
  recordVerdict(usable: UsableCredential): Promise<void>;
  /** It comes first from now on. */
  prefer(usable: UsableCredential): Promise<void>;
}

export interface CredentialHealth {
  verdict: CredentialVerdict;
  entraError: string | undefined;
  /** When the verdict was written last; undefined: it is not. */
  recordTime: Timestamp | undefined;
  preferTime: Timestamp | undefined;
  /** Exchanges in a row that it served. */
  successes: number;
}

/** The answer of Entra matters more than our note of it: one that cannot be written is tried again with the next. */
export function createCredentialHealths(parts: {
  app: App;
  appStateStore: AppStateStore;
  clock: Clock;
  metrics: EntraMetrics;
  log: Log;
}): CredentialHealths {
  const { app, appStateStore, clock, metrics, log } = parts;
  const standings = new Map<string, CredentialHealth>();

  function healthOf({ credential }: UsableCredential): CredentialHealth {
    const found = standings.get(credential.uid);
    if (found !== undefined) return found;
    const { verdict, entraError, lastUsedTime, preferTime } = credential;
    const recordTime = verdict === 'VALID' ? lastUsedTime : undefined;
    const made: CredentialHealth = { verdict, entraError, recordTime, preferTime, successes: 0 };
    standings.set(credential.uid, made);
    return made;
  }

  return {
    of: healthOf,
    async recordVerdict(usable) {
      const health = healthOf(usable);
      const time = clock.now();
      // Set before the write, so that those who learn the same meanwhile do not write as well.
      health.recordTime = time;
      try {
        await appStateStore.recordVerdict(usable.credential.uid, health.verdict, health.entraError, time);
      } catch {
        health.recordTime = undefined;
        metrics.appStateWriteFailed();
      }
    },
    async prefer(usable) {
      const { uid, credentialId } = usable.credential;
      const latest = Math.max(...[...standings.values()].map(({ preferTime }) => preferTime ?? 0));
      // Later than that of any other, also when the clock was set back.
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
      if (standings.size > 1)
        log.event('info', 'entra_credential_preferred', { app: appName(app), credential: credentialId });
    },
  };
}
