import { MINUTE } from '../../../src/model/clock.ts';
import type { Entry } from './scripted_entra.ts';

/** One for each subject that it may settle: the credential, the app, the directory, and the resource in it. */
const MOST_PROBES_A_MINUTE = 4;
/** Entra calls a client that repeats equal requests a loop (50196): https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const EQUAL_REQUESTS_OF_A_LOOP = 15;
/** With each of three credentials: as asked, without claims or for all that is consented, with the token before, for the other resource. */
const MOST_REQUESTS_OF_A_CALL = 12;
/** Nothing is wrong with what was asked: it is for the breaker and for Retry-After to pace. */
const PACED_OTHERWISE: ReadonlySet<string> = new Set(['transient', 'throttled']);

/** The number of requests to Entra stays within the pacing. `since`: the step in which the clock was set back last. */
export function checkPacing(log: readonly Entry[], step: number, since: number, isPropagating: boolean): void {
  for (const entry of log.filter((one) => one.step === step)) {
    const alike = log.filter((one) => one.step > since && isSameRequest(one, entry));
    const isWithin = (one: Entry, duration: number) => entry.elapsed - one.elapsed < duration;
    if (entry.grant === 'probe') {
      const probes = alike.filter((one) => isWithin(one, MINUTE)).length;
      if (probes > MOST_PROBES_A_MINUTE) throw new Error(`${probes} equal probes within a minute (step ${step})`);
    }
    if (entry.grant !== 'refresh') continue;
    const ofCall = log.filter(({ step: at, user, grant }) => at === step && user === entry.user && grant === 'refresh');
    if (ofCall.length > 2 * MOST_REQUESTS_OF_A_CALL)
      throw new Error(`${ofCall.length} requests of one call (step ${step})`);
    const refused = alike.filter(
      (one) =>
        isWithin(one, 5 * MINUTE) &&
        one.meaning !== undefined &&
        !PACED_OTHERWISE.has(one.meaning.kind) &&
        !(isPropagating && one.meaning.kind === 'app_credential'),
    );
    if (refused.length >= EQUAL_REQUESTS_OF_A_LOOP)
      throw new Error(`${refused.length} equal requests in 5 min (step ${step})`);
  }
}

function isSameRequest(one: Entry, other: Entry): boolean {
  return (
    one.grant === other.grant &&
    one.app === other.app &&
    one.user === other.user &&
    one.directory === other.directory &&
    one.resource === other.resource &&
    one.credential === other.credential &&
    one.hasClaims === other.hasClaims
  );
}
