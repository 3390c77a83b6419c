import type { App } from '../../model/app.ts';
import type { AppLedger } from '../../model/app_state_store.ts';
import type { Clock, Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { CredentialVerdict, UsableCredential } from '../../model/credential.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EntraMetrics } from '../entra_metrics.ts';

/** What was learned of an app's credentials since their rows were read, and the writing of it into them. */
export interface CredentialNotes {
  of(usable: UsableCredential): CredentialStanding;
  /** As its standing has it. */
  recordVerdict(usable: UsableCredential): Promise<void>;
  /** It comes first from now on. */
  prefer(usable: UsableCredential): Promise<void>;
}

export interface CredentialStanding {
  verdict: CredentialVerdict;
  entraError: string | undefined;
  /** When the verdict was written last; undefined: it is not. */
  recordTime: Timestamp | undefined;
  preferTime: Timestamp | undefined;
  /** Exchanges in a row that it served. */
  successes: number;
}

/** The answer of Entra matters more than our note of it: one that cannot be written is tried again with the next. */
export function createCredentialNotes(parts: {
  app: App;
  ledger: AppLedger;
  clock: Clock;
  metrics: EntraMetrics;
  log: Log;
}): CredentialNotes {
  const { app, ledger, clock, metrics, log } = parts;
  const standings = new Map<string, CredentialStanding>();

  function standingOf({ credential }: UsableCredential): CredentialStanding {
    const found = standings.get(credential.uid);
    if (found !== undefined) return found;
    const { verdict, entraError, lastUsedTime, preferTime } = credential;
    const recordTime = verdict === 'VALID' ? lastUsedTime : undefined;
    const made: CredentialStanding = { verdict, entraError, recordTime, preferTime, successes: 0 };
    standings.set(credential.uid, made);
    return made;
  }

  return {
    of: standingOf,
    async recordVerdict(usable) {
      const standing = standingOf(usable);
      const time = clock.now();
      // Set before the write, so that those who learn the same meanwhile do not write as well.
      standing.recordTime = time;
      try {
        await ledger.recordVerdict(usable.credential.uid, standing.verdict, standing.entraError, time);
      } catch {
        standing.recordTime = undefined;
        metrics.ledgerFailed();
      }
    },
    async prefer(usable) {
      const { uid, credentialId } = usable.credential;
      const latest = Math.max(...[...standings.values()].map(({ preferTime }) => preferTime ?? 0));
      // Later than that of any other, also when the clock was set back.
      const time = Math.max(clock.now(), latest + 1);
      const standing = standingOf(usable);
      standing.preferTime = time;
      try {
        await ledger.prefer(uid, time);
      } catch {
        standing.preferTime = undefined;
        metrics.ledgerFailed();
        return;
      }
      if (standings.size > 1)
        log.event('info', 'entra_credential_preferred', { app: appName(app), credential: credentialId });
    },
  };
}
