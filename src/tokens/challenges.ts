import { createHash } from 'node:crypto';
import { type Clock, type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import { createRecentMap } from './recent_map.ts';

const INTERVAL: Duration = MINUTE;

/** Claims challenges that were answered lately: one forced refresh per resource and challenge a minute. */
export interface Challenges {
  /** Key of a challenge of this connection and resource. */
  keyOf(connectionUid: string, resource: string, claims: string): string;
  isAnswered(key: string): boolean;
  answered(key: string): void;
}

export function createChallenges({ clock }: { readonly clock: Clock }): Challenges {
  const answers = createRecentMap<string, Timestamp>(10_000);
  return {
    keyOf: (connectionUid, resource, claims) =>
      `${connectionUid} ${resource} ${createHash('sha256').update(claims).digest('hex')}`,
    isAnswered(key) {
      const time = answers.find(key);
      return time !== undefined && Math.abs(clock.now() - time) < INTERVAL;
    },
    answered(key) {
      answers.set(key, clock.now());
    },
  };
}
