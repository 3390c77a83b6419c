import { createHash } from 'node:crypto';
import type { App } from '../../model/app.ts';
import { DAY, type Duration, HOUR, MINUTE, type Timestamp } from '../../model/clock.ts';
import type { Credential } from '../../model/credential.ts';
import { presentOrder } from '../../model/credential_role.ts';
import { rotationTime } from '../../model/rotation_due.ts';

/** What an inspection came to, as far as the next one goes by it. */
export interface Inspected {
  readonly app: App;
  /** As they are now. */
  readonly credentials: readonly Credential[];
  /** REGISTERED: Graph shows the registration. CLOSED: it does not, and will not soon. OUTAGE: it may when it is asked again. */
  readonly graph: 'REGISTERED' | 'CLOSED' | 'OUTAGE';
  /** How long Graph wants to be left alone. */
  readonly retryAfter: Duration | undefined;
  /** Something else gave no answer: a key vault, or Entra about a credential. */
  readonly isIncomplete: boolean;
  /** There is a directory in which credentials can be presented. */
  readonly canProbe: boolean;
}

/** When an app is looked at again. */
export function nextInspection(inspected: Inspected, now: Timestamp): Timestamp {
  const { app, credentials } = inspected;
  const usual = now + spread(periodOf(inspected), app.uid);
  const again = againAfter(inspected, now);
  const rotates = rotationTime(app, credentials, now);
  const others = [again === undefined ? undefined : now + again, rotates, ...referenceTimes(inspected, now)];
  // One that has come is not waited for, whatever came of it.
  return Math.min(usual, ...others.filter((time) => time !== undefined && time > now).map(Number));
}

const WEEK: Duration = 7 * DAY;
const RETRY: Duration = HOUR;
/** A new secret takes seconds to minutes to work everywhere. */
const YOUNG: Duration = HOUR;
const LOOK_AT_YOUNG: Duration = 5 * MINUTE;

/** Nothing is asked of it, so that only its being resumed would be noticed. */
export function afterSuspension(app: Pick<App, 'uid'>, now: Timestamp): Timestamp {
  return now + spread(WEEK, app.uid);
}

/** Entra's side, and a key vault's, can change any day; where neither can be seen, only the credentials themselves can be tried. */
function periodOf({ app, credentials, graph }: Inspected): Duration {
  const isReferring = credentials.some(({ kind }) => kind === 'KEY_VAULT_SECRET');
  return graph === 'REGISTERED' || isReferring || app.rotation !== undefined ? DAY : WEEK;
}

function againAfter(inspected: Inspected, now: Timestamp): Duration | undefined {
  const { credentials, graph, retryAfter = 0, isIncomplete, canProbe } = inspected;
  const isYoung = ({ verdict, createTime }: Credential) => verdict === 'UNPROBED' && Math.abs(now - createTime) < YOUNG;
  if (canProbe && credentials.some(isYoung)) return Math.max(LOOK_AT_YOUNG, retryAfter);
  // Where Entra takes none of its credentials, it is no outage that Graph gives no answer.
  const isServed = presentOrder(credentials, now).some(({ verdict }) => verdict !== 'REJECTED');
  if ((graph === 'OUTAGE' && isServed) || isIncomplete) return Math.max(RETRY, retryAfter);
  return undefined;
}

/** Of what is renewed in its key vault at the last moment, or after: past the end that was read, it is not presented. */
function referenceTimes({ credentials, retryAfter = 0 }: Inspected, now: Timestamp): readonly Timestamp[] {
  const soonest = now + Math.max(RETRY, retryAfter);
  return credentials.flatMap(({ kind, expireTime }) =>
    kind === 'KEY_VAULT_SECRET' && expireTime !== undefined ? [Math.max(soonest, expireTime - RETRY)] : [],
  );
}

/** A tenth more or less, by the uid, so that what was due in one moment spreads. */
function spread(period: Duration, uid: string): Duration {
  const share = createHash('sha256').update(uid).digest().readUInt32BE() / 2 ** 32;
  return Math.round(period * (0.9 + 0.2 * share));
}
