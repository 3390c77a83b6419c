import { createHash } from 'node:crypto';
import { type BoundedCache, createBoundedCache } from '../model/bounded_cache.ts';
import { type Clock, type Duration, elapsedSince, MINUTE, type Timestamp } from '../model/clock.ts';
import { isVaultError, type VaultError } from '../model/errors.ts';

const INTERVAL: Duration = MINUTE;
/** Per connection, because callers choose challenges freely. */
const MOST_CHALLENGES = 16;

interface Answer {
  readonly time: Timestamp;
  readonly error: VaultError | undefined;
}

export type ClaimsChallenges = ReturnType<typeof createClaimsChallenges>;

/** Recently answered claims challenges: each resource and challenge forces one refresh a minute. */
export function createClaimsChallenges(clock: Clock) {
  const answers = createBoundedCache<string, BoundedCache<string, Answer>>(10_000);

  function remember(connectionUid: string, key: string, error: VaultError | undefined): void {
    const known = answers.get(connectionUid) ?? createBoundedCache<string, Answer>(MOST_CHALLENGES);
    known.set(key, { time: clock.now(), error });
    answers.set(connectionUid, known);
  }

  return {
    keyOf: (resource: string, claims: string) => `${resource} ${createHash('sha256').update(claims).digest('hex')}`,
    /** Throws Entra's refusal again, if it refused the challenge. */
    isAnswered(connectionUid: string, key: string): boolean {
      const answer = answers.get(connectionUid)?.get(key);
      if (answer === undefined || elapsedSince(answer.time, clock.now()) >= INTERVAL) return false;
      if (answer.error !== undefined) throw answer.error;
      return true;
    },
    /** A refusal is remembered only if somebody must act before Entra can answer otherwise. */
    recordAnswer(connectionUid: string, key: string, work: Promise<unknown>): void {
      work.then(
        () => remember(connectionUid, key, undefined),
        (error) => {
          if (isVaultError(error, 'REAUTHORIZATION_REQUIRED', 'CONSENT_REQUIRED', 'BLOCKED_BY_POLICY', 'FIELD_INVALID'))
            remember(connectionUid, key, error);
        },
      );
    },
    /** The connection changed: its user may have met the challenge. */
    clear: (connectionUid: string) => answers.delete(connectionUid),
  };
}
