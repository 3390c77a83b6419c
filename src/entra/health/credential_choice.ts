import { type App, registrationDirectory } from '../../model/app.ts';
import type { AppStateStore } from '../../model/app_state_store.ts';
import { type Clock, type Duration, elapsedSince, HOUR, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { type CredentialState, credentialState, type UsableCredential } from '../../model/credential.ts';
import { presentOrder, rolesOf } from '../../model/credential_role.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EntraMetrics } from '../entra_metrics.ts';
import type { Meaning } from '../errors/classify_error.ts';
import { NOT_YET_REPLICATED } from '../errors/error_lookup.ts';
import { createCredentialHealths } from './credential_health.ts';
import { type CredentialUses, createCredentialUses } from './credential_uses.ts';

/** Which of an app's credentials to present, by what Entra said of each. */
export interface CredentialChoice {
  /** For one exchange: each call is a turn. Without trials those come first that have proved themselves. */
  candidates(withTrials: boolean): Promise<Candidates>;
  /** Whether one is within its time. */
  hasCandidates(): Promise<boolean>;
  /** All of them, for a probe. */
  all(): Promise<readonly UsableCredential[]>;
  /** Known, without a question to the database, to be all past their end. False before the first `candidates`. */
  areAllExpired(): boolean;
  /** One that came before it is refused, and was not replaced. */
  isFallback(usable: UsableCredential): boolean;
  /** Every credential within its time is rejected. False before the first `candidates`. */
  areAllRejected(): boolean;
  /** `by`: who was granted; undefined: a probe. Five exchanges in a row prove a new credential; a probe only lets it begin. */
  accepted(usable: UsableCredential, by: CredentialRequest | undefined): Promise<void>;
  /** What a refusal proves, without another request. Any refusal ends a row of successes. */
  judge(usable: UsableCredential, refusal: CredentialRefusal): CredentialJudgement;
  /** PROPAGATING: so new that not all of Entra's servers may know it yet; its verdict stays. */
  rejected(usable: UsableCredential, meaning: Meaning, newSince: Timestamp): Promise<'REJECTED' | 'PROPAGATING'>;
}

/** Who presented the credential, and when in the order of all requests. */
export interface CredentialRequest {
  readonly requester: string;
  readonly order: number;
}

export interface CredentialRefusal extends CredentialRequest {
  readonly meaning: Meaning;
  /** Since when Entra may know what was presented. */
  readonly newSince: Timestamp;
  /** False: a caller chose what was asked, or where (see `EvidenceWeight`). */
  readonly counts: boolean;
}

/** `REFUTED`: accepted from another connection since. `UNPROVED`: only a probe can tell. */
export type CredentialJudgement = 'REJECTED' | 'PROPAGATING' | 'REFUTED' | 'UNPROVED';

export interface Candidates {
  /** In the order to try. Expired and future ones never. */
  readonly inOrder: readonly UsableCredential[];
  /** Whose turn on trial it is: where another serves in its place, that is no fall-back. */
  readonly onTrial: UsableCredential | undefined;
}

/** A new secret takes seconds to minutes to work everywhere; meanwhile success and `invalid_client` alternate. */
export const REPLICATION: Duration = 15 * MINUTE;
export const PROPAGATION_RETRY: Duration = 10 * SECOND;

/** A credential that served another connection within this time is not rejected by one refusal. */
const RECENT_SUCCESS: Duration = 5 * MINUTE;

/** So that `last_used_time` costs no write per exchange. */
const RECORD_USE_EVERY: Duration = HOUR;

const TRIAL_EVERY = 4;
const PROVEN_AFTER = 5;

const EXPIRED_CODES = ['AADSTS7000222', 'AADSTS1000502'];
const PAST_OR_FUTURE: ReadonlySet<CredentialState> = new Set(['EXPIRED', 'NOT_YET_VALID']);

export function createCredentialChoice(parts: {
  app: App;
  appStateStore: AppStateStore;
  clock: Clock;
  metrics: EntraMetrics;
  log: Log;
  /** Default: none so far. */
  uses?: CredentialUses | undefined;
}): CredentialChoice {
  const { app, appStateStore, clock, metrics, log, uses = createCredentialUses() } = parts;
  /** Of an app for any directory nobody can tell where to probe: the exchanges of its users must do. */
  const isProbed = registrationDirectory(app) !== undefined;
  const healths = createCredentialHealths(parts);
  let loading: Promise<readonly UsableCredential[]> | undefined;
  let loaded: readonly UsableCredential[] | undefined;
  let turn = 0;

  async function load(): Promise<readonly UsableCredential[]> {
    loading ??= appStateStore.usableCredentials(app.uid).then(
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

  function isPropagating({ codes }: Meaning, newSince: Timestamp): boolean {
    const age = clock.now() - newSince;
    return age >= 0 && age < REPLICATION && codes.some((code) => NOT_YET_REPLICATED.has(code));
  }

  /** As their rows would be, had all that was learned since been written into them. */
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
    async candidates(withTrials) {
      const { inOrder, roles } = await current();
      const roleOf = (usable: UsableCredential | undefined) => usable && roles.get(usable.credential.uid);
      const newcomer =
        inOrder.find((usable) => roleOf(usable) === 'TRIAL') ??
        inOrder.find(
          (usable) => !isProbed && roleOf(usable) === 'PROBING' && healths.of(usable).verdict === 'UNPROBED',
        );
      if (!withTrials || newcomer === undefined || roleOf(inOrder[0]) !== 'PREFERRED') {
        return { inOrder, onTrial: undefined };
      }
      turn += 1;
      if (turn % TRIAL_EVERY !== 0) return { inOrder, onTrial: undefined };
      return { inOrder: [newcomer, ...inOrder.filter((usable) => usable !== newcomer)], onTrial: newcomer };
    },
    hasCandidates: async () => (await current()).inOrder.length > 0,
    all: load,
    areAllExpired() {
      if (loaded === undefined || loaded.length === 0) return false;
      const now = clock.now();
      return loaded.every((usable) => {
        const { verdict, entraError } = healths.of(usable);
        const saidSo = verdict === 'REJECTED' && EXPIRED_CODES.some((code) => entraError?.split(/[/+]/).includes(code));
        return saidSo || credentialState(usable.credential, now) === 'EXPIRED';
      });
    },
    isFallback(usable) {
      const { preferTime = 0 } = healths.of(usable);
      return (loaded ?? []).some((other) => {
        const { verdict, preferTime: otherTime = 0 } = healths.of(other);
        const wasFirst = otherTime > preferTime && credentialState(other.credential, clock.now()) !== 'EXPIRED';
        return verdict === 'REJECTED' && wasFirst;
      });
    },
    areAllRejected() {
      if (loaded === undefined) return false;
      const now = clock.now();
      const candidates = loaded.filter(({ credential }) => !PAST_OR_FUTURE.has(credentialState(credential, now)));
      return candidates.length > 0 && candidates.every((usable) => healths.of(usable).verdict === 'REJECTED');
    },
    judge(usable, { meaning, newSince, requester, order, counts }) {
      healths.of(usable).successes = 0;
      if (meaning.suspectsCredential) return 'UNPROVED';
      if (isPropagating(meaning, newSince)) return 'PROPAGATING';
      const known = uses.of(usable.credential.uid);
      if (known.some((use) => use.order > order)) return 'REFUTED';
      const others = known.filter((use) => use.requester !== requester);
      const now = clock.now();
      const servedLately = others.some(({ time }) => elapsedSince(time, now) < RECENT_SUCCESS);
      return counts && !servedLately ? 'REJECTED' : 'UNPROVED';
    },
    async accepted(usable, by) {
      const health = healths.of(usable);
      if (by !== undefined) {
        health.successes += 1;
        uses.note(usable.credential.uid, { ...by, time: clock.now() });
      }
      const { verdict, recordTime } = health;
      const isFresh = recordTime !== undefined && elapsedSince(recordTime, clock.now()) < RECORD_USE_EVERY;
      if (verdict !== 'VALID' || !isFresh) {
        health.verdict = 'VALID';
        health.entraError = undefined;
        await healths.recordVerdict(usable);
      }
      if (health.successes >= PROVEN_AFTER && health.preferTime === undefined) await healths.prefer(usable);
    },
    async rejected(usable, meaning, newSince) {
      const health = healths.of(usable);
      health.successes = 0;
      if (isPropagating(meaning, newSince)) return 'PROPAGATING';
      const { entraError, correlationId = '' } = meaning.failure;
      if (health.verdict === 'REJECTED' && health.entraError === entraError && health.recordTime !== undefined) {
        return 'REJECTED';
      }
      health.verdict = 'REJECTED';
      health.entraError = entraError;
      metrics.credentialRejected(app.uid);
      const { credentialId: credential } = usable.credential;
      log.event('warn', 'entra_credential_rejected', {
        app: appName(app),
        credential,
        entraError: entraError ?? '',
        correlationId,
      });
      await healths.recordVerdict(usable);
      return 'REJECTED';
    },
  };
}
