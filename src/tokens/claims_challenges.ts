import { createHash } from 'node:crypto';
import { type Clock, type Duration, elapsedSince, MINUTE, type Timestamp } from '../model/clock.ts';
import { isVaultError, type VaultError } from '../model/errors.ts';
import { createRecentMap } from './recent_map.ts';

const INTERVAL: Duration = MINUTE;
/** Callers name challenges freely. */
const MOST_OF_A_CONNECTION = 16;

/** Claims challenges that were answered lately: one forced refresh per resource and challenge a minute. */
export interface ClaimsChallenges {
  keyOf(resource: string, claims: string): string;
  /** Throws what Entra refused it with, as often as it is brought. */
  isAnswered(connectionUid: string, key: string): boolean;
  answered(connectionUid: string, key: string): void;
  /** Kept only where somebody must act before Entra would say anything else. */
  refused(connectionUid: string, key: string, error: unknown): void;
  /** The connection changed: its user may have met the challenge. */
  release(connectionUid: string): void;
}

interface Answer {
  readonly time: Timestamp;
  readonly refusal: VaultError | undefined;
}

export function createClaimsChallenges({ clock }: { readonly clock: Clock }): ClaimsChallenges {
  const answers = createRecentMap<string, Map<string, Answer>>(10_000);

  function remember(connectionUid: string, key: string, refusal: VaultError | undefined): void {
    const known = answers.find(connectionUid) ?? new Map<string, Answer>();
    if (known.size >= MOST_OF_A_CONNECTION) known.clear();
    known.set(key, { time: clock.now(), refusal });
    answers.set(connectionUid, known);
  }

  return {
    keyOf: (resource, claims) => `${resource} ${createHash('sha256').update(claims).digest('hex')}`,
    isAnswered(connectionUid, key) {
      const answer = answers.find(connectionUid)?.get(key);
      if (answer === undefined || elapsedSince(answer.time, clock.now()) >= INTERVAL) return false;
      if (answer.refusal !== undefined) throw answer.refusal;
      return true;
    },
    answered: (connectionUid, key) => remember(connectionUid, key, undefined),
    refused(connectionUid, key, error) {
      if (isVaultError(error, 'REAUTHORIZATION_REQUIRED', 'CONSENT_REQUIRED', 'BLOCKED_BY_POLICY', 'FIELD_INVALID')) {
        remember(connectionUid, key, error);
      }
    },
    release: (connectionUid) => answers.delete(connectionUid),
  };
}
