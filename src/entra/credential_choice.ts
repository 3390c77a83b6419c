import type { App } from '../model/app.ts';
import { type Clock, type Duration, HOUR, MINUTE, SECOND, type Timestamp } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import { type CredentialVerdict, credentialState, type UsableCredential } from '../model/credential.ts';
import type { Log } from '../telemetry/log.ts';
import type { AppLedger } from './authorization_server.ts';
import type { EntraMetrics } from './entra_metrics.ts';
import { NOT_YET_REPLICATED } from './failure_codes.ts';
import type { Meaning } from './failures.ts';

/** Which of an app's credentials to present, by what Entra said of each. */
export interface CredentialChoice {
  /** In the order to try: those in good standing, then those that were refused before. Expired and future ones never. */
  candidates(): Promise<readonly UsableCredential[]>;
  /** All of them, for a probe. */
  all(): Promise<readonly UsableCredential[]>;
  /** Known, without a question to the database, to be all past their end. False before the first `candidates`. */
  areAllExpired(): boolean;
  accepted(usable: UsableCredential): Promise<void>;
  /** PROPAGATING: so young that Entra may not know it everywhere yet; it keeps its good name. */
  rejected(usable: UsableCredential, meaning: Meaning): Promise<'REJECTED' | 'PROPAGATING'>;
}

/** A new secret takes seconds to minutes to work everywhere; meanwhile success and `invalid_client` alternate. */
const REPLICATION: Duration = 15 * MINUTE;
export const PROPAGATION_RETRY: Duration = 10 * SECOND;

/** So that `last_used_time` costs no write per exchange. */
const RECORD_USE_EVERY: Duration = HOUR;

const EXPIRED_CODE = 'AADSTS7000222';

interface Standing {
  verdict: CredentialVerdict;
  entraError: string | undefined;
  recordTime: Timestamp | undefined;
}

export function createCredentialChoice(parts: {
  app: App;
  ledger: AppLedger;
  clock: Clock;
  metrics: EntraMetrics;
  log: Log;
}): CredentialChoice {
  const { app, ledger, clock, metrics, log } = parts;
  const standings = new Map<string, Standing>();
  let loading: Promise<readonly UsableCredential[]> | undefined;
  let loaded: readonly UsableCredential[] | undefined;

  async function load(): Promise<readonly UsableCredential[]> {
    loading ??= ledger.usableCredentials(app.uid).then(
      (usable) => {
        loaded = usable;
        return usable;
      },
      (error) => {
        loading = undefined;
        throw error;
      },
    );
    return loading;
  }

  function standingOf({ credential }: UsableCredential): Standing {
    const found = standings.get(credential.uid);
    if (found !== undefined) return found;
    const { verdict, entraError, lastUsedTime } = credential;
    const made: Standing = { verdict, entraError, recordTime: verdict === 'VALID' ? lastUsedTime : undefined };
    standings.set(credential.uid, made);
    return made;
  }

  async function record(usable: UsableCredential, standing: Standing): Promise<void> {
    const time = clock.now();
    try {
      await ledger.recordVerdict(usable.credential.uid, standing.verdict, standing.entraError, time);
      standing.recordTime = time;
    } catch {
      // The answer of Entra matters more than our note of it, which is tried again with the next one.
      standing.recordTime = undefined;
      metrics.ledgerFailed();
    }
  }

  return {
    async candidates() {
      const now = clock.now();
      const living = (await load()).filter(({ credential }) => {
        const state = credentialState(credential, now);
        return state !== 'EXPIRED' && state !== 'NOT_YET_VALID';
      });
      // A refused one comes last, and so is asked only when none else is left: then it may have come right.
      const isRefused = (usable: UsableCredential) => standingOf(usable).verdict === 'REJECTED';
      return [...living.filter((usable) => !isRefused(usable)), ...living.filter(isRefused)];
    },
    all: load,
    areAllExpired() {
      if (loaded === undefined || loaded.length === 0) return false;
      const now = clock.now();
      return loaded.every((usable) => {
        const { verdict, entraError } = standingOf(usable);
        const saidSo = verdict === 'REJECTED' && entraError?.includes(EXPIRED_CODE) === true;
        return saidSo || credentialState(usable.credential, now) === 'EXPIRED';
      });
    },
    async accepted(usable) {
      const standing = standingOf(usable);
      const { recordTime } = standing;
      const isFresh = recordTime !== undefined && Math.abs(clock.now() - recordTime) < RECORD_USE_EVERY;
      if (standing.verdict === 'VALID' && isFresh) return;
      standing.verdict = 'VALID';
      standing.entraError = undefined;
      // Set before the write, so that those who finish meanwhile do not write as well.
      standing.recordTime = clock.now();
      await record(usable, standing);
    },
    async rejected(usable, meaning) {
      const age = clock.now() - usable.credential.createTime;
      const isYoung = age >= 0 && age < REPLICATION;
      if (isYoung && meaning.codes.some((code) => NOT_YET_REPLICATED.has(code))) return 'PROPAGATING';
      const standing = standingOf(usable);
      const { entraError } = meaning.failure;
      if (standing.verdict === 'REJECTED' && standing.entraError === entraError && standing.recordTime !== undefined) {
        return 'REJECTED';
      }
      standing.verdict = 'REJECTED';
      standing.entraError = entraError;
      standing.recordTime = clock.now();
      metrics.credentialRejected(app.uid);
      log.event('warn', 'entra_credential_rejected', {
        app: appName(app),
        credential: usable.credential.credentialId,
        entraError: entraError ?? '',
        correlationId: meaning.failure.correlationId ?? '',
      });
      await record(usable, standing);
      return 'REJECTED';
    },
  };
}
