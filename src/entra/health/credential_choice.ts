import { type CredentialState, credentialState, type UsableCredential } from '../../model/app_credential.ts';
import type { AppStateStore } from '../../model/app_state_store.ts';
import { type BoundedCache, createBoundedCache } from '../../model/bounded_cache.ts';
import { type Clock, type Duration, elapsedSince, HOUR, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { presentOrder, rolesOf } from '../../model/credential_presentation_order.ts';
import { type App, registrationDirectory } from '../../model/entra_app.ts';
import type { Log } from '../../telemetry/log_events.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';
import type { Meaning } from '../errors/classify_entra_response.ts';
import { NOT_YET_REPLICATED } from '../errors/entra_error_lookup.ts';
import { createCredentialHealths } from './credential_health.ts';

export type CredentialChoice = ReturnType<typeof createCredentialChoice>;

/** The requester that presented the credential, and the position of the request among all requests. */
export interface CredentialRequest {
  readonly requester: string;
  readonly order: number;
}

/** A token that was granted with a credential. */
export interface CredentialUse extends CredentialRequest {
  readonly time: Timestamp;
}

export interface CredentialRefusal extends CredentialRequest {
  readonly meaning: Meaning;
  /** Since when Entra may know what was presented. */
  readonly newSince: Timestamp;
  /** False: a caller chose the scopes or the directory (see `EvidenceWeight`). */
  readonly counts: boolean;
}

/** `REFUTED`: accepted from another connection since. `UNPROVED`: only a probe can tell. */
export type CredentialJudgement = 'REJECTED' | 'PROPAGATING' | 'REFUTED' | 'UNPROVED';

export interface Candidates {
  /** In the order to present them; without expired and future credentials. */
  readonly inOrder: readonly UsableCredential[];
  /** The credential on trial, if this exchange presents it first; another one then serves without being a fallback. */
  readonly onTrial: UsableCredential | undefined;
}

/** A new secret takes seconds to minutes to reach all of Entra; meanwhile success and `invalid_client` alternate. */
export const REPLICATION: Duration = 15 * MINUTE;
export const PROPAGATION_RETRY: Duration = 10 * SECOND;

/** A credential that served another connection within this time is not rejected by a single refusal. */
const RECENT_SUCCESS: Duration = 5 * MINUTE;

/** Limits writes of `last_used_time`. */
const RECORD_USE_INTERVAL: Duration = HOUR;

const TRIAL_EVERY = 4;
const PROVEN_AFTER = 5;

const EXPIRED_CODES = ['AADSTS7000222', 'AADSTS1000502'];
const OUT_OF_VALIDITY: ReadonlySet<CredentialState> = new Set(['EXPIRED', 'NOT_YET_VALID']);

/** Chooses which of an app's credentials to present, from Entra's responses to each. */
export function createCredentialChoice(parts: {
  app: App;
  appStateStore: AppStateStore;
  clock: Clock;
  metrics: EntraMetrics;
  log: Log;
  /** By credential: the newest uses by two requesters. Outlives the health of the app. Default: none so far. */
  uses?: BoundedCache<string, readonly CredentialUse[]> | undefined;
}) {
  const { app, appStateStore, clock, metrics, log, uses = createBoundedCache(1_000) } = parts;
  /** An app without a known directory cannot be probed: exchanges of its users must prove its credentials. */
  const isProbed = registrationDirectory(app) !== undefined;
  const healths = createCredentialHealths(parts);
  let loading: Promise<readonly UsableCredential[]> | undefined;
  let loaded: readonly UsableCredential[] | undefined;
  let turn = 0;

  function load(): Promise<readonly UsableCredential[]> {
    loading ??= appStateStore.usableCredentials(app).then(
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

  const isWithin = (time: Timestamp, duration: Duration) => elapsedSince(time, clock.now()) < duration;

  function isPropagating({ codes }: Meaning, newSince: Timestamp): boolean {
    const age = clock.now() - newSince;
    return age >= 0 && age < REPLICATION && codes.some((code) => NOT_YET_REPLICATED.has(code));
  }

  /** The order and roles of the credentials, as if everything learned since had been stored. */
  async function current() {
    const byUid = new Map<string, UsableCredential>();
    const credentials = (await load()).map((usable) => {
      byUid.set(usable.credential.uid, usable);
      const { verdict, preferTime } = healths.of(usable);
      return { ...usable.credential, verdict, preferTime };
    });
    const now = clock.now();
    const inOrder = presentOrder(credentials, now).flatMap(({ uid }) => byUid.get(uid) ?? []);
    return { inOrder, roles: rolesOf(credentials, now) };
  }

  return {
    /** For one exchange. With trials, every fourth one presents a credential on trial first. */
    async candidates(withTrials: boolean): Promise<Candidates> {
      const { inOrder, roles } = await current();
      const roleOf = (usable: UsableCredential | undefined) => usable && roles.get(usable.credential.uid);
      const onTrial =
        inOrder.find((usable) => roleOf(usable) === 'TRIAL') ??
        inOrder.find(
          (usable) => !isProbed && roleOf(usable) === 'PROBING' && healths.of(usable).verdict === 'UNPROBED',
        );
      const mayTry = withTrials && onTrial !== undefined && roleOf(inOrder[0]) === 'PREFERRED';
      if (mayTry) turn += 1;
      if (!mayTry || turn % TRIAL_EVERY !== 0) return { inOrder, onTrial: undefined };
      return { inOrder: [onTrial, ...inOrder.filter((usable) => usable !== onTrial)], onTrial };
    },
    /** Whether a credential is within its validity. */
    hasCandidates: async () => (await current()).inOrder.length > 0,
    all: load,
    /** Whether all are known to be expired, without access to the database. False before the first `candidates`. */
    areAllExpired(): boolean {
      if (loaded === undefined || loaded.length === 0) return false;
      const now = clock.now();
      return loaded.every((usable) => {
        const { verdict, entraError } = healths.of(usable);
        const codes = entraError?.split(/[/+]/) ?? [];
        const isRefused = verdict === 'REJECTED' && EXPIRED_CODES.some((code) => codes.includes(code));
        return isRefused || credentialState(usable.credential, now) === 'EXPIRED';
      });
    },
    /** Whether a credential that was preferred before it is rejected, and was not replaced. */
    isFallback(usable: UsableCredential): boolean {
      const { preferTime = 0 } = healths.of(usable);
      return (loaded ?? []).some((other) => {
        const { verdict, preferTime: otherTime = 0 } = healths.of(other);
        const wasFirst = otherTime > preferTime && credentialState(other.credential, clock.now()) !== 'EXPIRED';
        return verdict === 'REJECTED' && wasFirst;
      });
    },
    /** Whether every credential within its validity is rejected. False before the first `candidates`. */
    areAllRejected(): boolean {
      const now = clock.now();
      const valid = (loaded ?? []).filter(({ credential }) => !OUT_OF_VALIDITY.has(credentialState(credential, now)));
      return valid.length > 0 && valid.every((usable) => healths.of(usable).verdict === 'REJECTED');
    },
    /** What a refusal proves, without another request. Any refusal ends a series of successes. */
    judge(usable: UsableCredential, refusal: CredentialRefusal): CredentialJudgement {
      const { meaning, newSince, requester, order, counts } = refusal;
      healths.of(usable).successes = 0;
      if (meaning.suspectsCredential) return 'UNPROVED';
      if (isPropagating(meaning, newSince)) return 'PROPAGATING';
      const known = uses.get(usable.credential.uid) ?? [];
      if (known.some((use) => use.order > order)) return 'REFUTED';
      const servedLately = known.some((use) => use.requester !== requester && isWithin(use.time, RECENT_SUCCESS));
      return counts && !servedLately ? 'REJECTED' : 'UNPROVED';
    },
    /** `by` undefined: a probe. Five exchanges in a row prove a new credential; a probe only starts its trial. */
    async accepted(usable: UsableCredential, by: CredentialRequest | undefined) {
      const health = healths.of(usable);
      if (by !== undefined) {
        health.successes += 1;
        const { uid } = usable.credential;
        const others = (uses.get(uid) ?? []).filter(({ requester }) => requester !== by.requester);
        // Two requesters, so that one of another requester is among them.
        uses.set(uid, [{ ...by, time: clock.now() }, ...others].slice(0, 2));
      }
      const { verdict, recordTime } = health;
      if (verdict !== 'VALID' || recordTime === undefined || !isWithin(recordTime, RECORD_USE_INTERVAL)) {
        health.verdict = 'VALID';
        health.entraError = undefined;
        await healths.recordVerdict(usable);
      }
      if (health.successes >= PROVEN_AFTER && health.preferTime === undefined) await healths.prefer(usable);
    },
    /** PROPAGATING: so new that not all of Entra may know it yet; its verdict stays. */
    async rejected(
      usable: UsableCredential,
      meaning: Meaning,
      newSince: Timestamp,
    ): Promise<'REJECTED' | 'PROPAGATING'> {
      const health = healths.of(usable);
      health.successes = 0;
      if (isPropagating(meaning, newSince)) return 'PROPAGATING';
      const { entraError, correlationId = '' } = meaning.failure;
      if (health.verdict === 'REJECTED' && health.entraError === entraError && health.recordTime !== undefined) {
        return 'REJECTED';
      }
      health.verdict = 'REJECTED';
      health.entraError = entraError;
      metrics.credentialRejected(app);
      const details = { credential: usable.credential.credentialId, entraError: entraError ?? '', correlationId };
      log.event('warn', 'entra_credential_rejected', { app: appName(app), ...details });
      await healths.recordVerdict(usable);
      return 'REJECTED';
    },
  };
}
