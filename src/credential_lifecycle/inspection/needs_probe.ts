import { DAY, type Duration, type Timestamp } from '../../model/clock.ts';
import { type Credential, credentialState, neverExpires } from '../../model/credential.ts';

/** Whether Entra should be asked what it thinks of a credential. `missing`: uids of those that Entra's registration lists no more. */
export function needsProbe(credential: Credential, missing: ReadonlySet<string>, now: Timestamp): boolean {
  const state = credentialState(credential, now);
  if (state === 'EXPIRED' || state === 'NOT_YET_VALID') return false;
  if (state !== 'VALID' || missing.has(credential.uid)) return true;
  const isEndless = credential.expireTime === undefined || neverExpires(credential);
  return isEndless && !wasUsed(credential, now);
}

/** Within the week, by a day, so that each weekly look finds it idle. */
const WEEKLY: Duration = 6 * DAY;

function wasUsed({ lastUsedTime }: Credential, now: Timestamp): boolean {
  return lastUsedTime !== undefined && Math.abs(now - lastUsedTime) < WEEKLY;
}
