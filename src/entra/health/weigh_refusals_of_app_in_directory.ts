import { type Clock, type Duration, elapsedSince, HOUR, MINUTE, type Timestamp } from '../../model/clock.ts';
import type { Failure } from '../../model/token_request_outcome.ts';
import { type Cooldown, createCooldown } from './cooldown_with_trials.ts';

/** A grant to another connection within this time shows that the directory or resource works. */
export const RECENT_GRANT: Duration = 2 * HOUR;
/** So many connections with the same error within `SAME_ERROR_WINDOW` start a cooldown, whatever the code. */
const MIN_SAME_ERRORS = 3;
const SAME_ERROR_WINDOW: Duration = 5 * MINUTE;
const MAX_FAILURES = 16;
const MAX_TENANTS = 8;

export type DirectoryHealth = ReturnType<typeof createDirectoryHealth>;

/** One request there: its requester, and its position among all requests. */
export interface DirectoryRequest {
  readonly requester: string;
  readonly tenantUid: string;
  readonly order: number;
}

interface DirectoryFailure extends DirectoryRequest {
  readonly entraError: string | undefined;
  readonly time: Timestamp;
}

/** The health of an app in one directory, or at one resource there. */
export function createDirectoryHealth({
  clock,
  isShared,
  wasGrantedSince,
}: {
  readonly clock: Clock;
  /** Whether several tenants use the app. */
  readonly isShared: boolean;
  /** Whether the database has a grant to another connection there since that time: after a start, memory is empty. */
  readonly wasGrantedSince: (time: Timestamp, exceptRequester: string) => Promise<boolean>;
}) {
  const startTime = clock.now();
  const tenants = new Set<string>();
  /** The newest grants of two connections, so that one of another connection is among them. */
  let grants: readonly (DirectoryRequest & { readonly time: Timestamp })[] = [];
  let failures: readonly DirectoryFailure[] = [];
  let cooldown: Cooldown | undefined;

  const isWithin = (time: Timestamp, duration: Duration) => elapsedSince(time, clock.now()) < duration;
  const isRefuted = (order: number) => grants.some((grant) => grant.order > order);

  /** Records that a tenant uses the app there, whatever the response. */
  function noteTenant(tenantUid: string): void {
    if (tenants.size < MAX_TENANTS) tenants.add(tenantUid);
  }

  async function wasGrantedToAnother(requester: string): Promise<boolean> {
    if (grants.some((grant) => grant.requester !== requester && isWithin(grant.time, RECENT_GRANT))) return true;
    const since = clock.now() - RECENT_GRANT;
    return startTime > since && (await wasGrantedSince(since, requester));
  }

  function start(requests: readonly DirectoryRequest[], failure: Failure, order: number): void {
    const requesters = requests.map(({ requester }) => requester);
    cooldown ??= createCooldown(failure, { requesters, order }, clock.now());
  }

  /** Starts the cooldown, or confirms it. */
  function cool(requests: readonly DirectoryRequest[], failure: Failure, order: number): 'COOLDOWN' {
    const newest = requests.at(-1);
    if (cooldown === undefined) start(requests, failure, order);
    else if (newest !== undefined) cooldown.confirm(newest.requester, clock.now());
    return 'COOLDOWN';
  }

  return {
    get cooldown(): Cooldown | undefined {
      return cooldown;
    },
    noteTenant,
    granted(request: DirectoryRequest) {
      noteTenant(request.tenantUid);
      const others = grants.filter(({ requester }) => requester !== request.requester);
      grants = [{ ...request, time: clock.now() }, ...others].slice(0, 2);
      failures = failures.filter(({ order }) => order > request.order);
      if (cooldown?.isRefutedBy(request.order)) cooldown = undefined;
    },
    /** `COOLDOWN`: the cooldown is on. `UNPROVED`: a probe must decide. `REQUEST`: counts against the request only. */
    async refused(
      request: DirectoryRequest,
      failure: Failure,
      known: boolean,
    ): Promise<'COOLDOWN' | 'UNPROVED' | 'REQUEST'> {
      noteTenant(request.tenantUid);
      const { requester, order } = request;
      if (isRefuted(order)) return 'REQUEST';
      const { entraError } = failure;
      const others = failures.filter(
        (other) => other.requester !== requester && isWithin(other.time, SAME_ERROR_WINDOW),
      );
      failures = [...others, { ...request, entraError, time: clock.now() }].slice(-MAX_FAILURES);
      const confirms = known || cooldown?.entraError === entraError;
      if (confirms && cooldown?.isRefutedBy(order) === true) return cool([request], failure, order);

      const sameError = failures.filter((other) => other.entraError === entraError);
      // One tenant of a shared app must not be able to block the others.
      const isOneSided = isShared && tenants.size > 1 && new Set(sameError.map(({ tenantUid }) => tenantUid)).size < 2;
      if (sameError.length >= MIN_SAME_ERRORS) return isOneSided ? 'UNPROVED' : cool(sameError, failure, order);
      if (!known) return 'REQUEST';
      if (isOneSided || (await wasGrantedToAnother(requester))) return 'UNPROVED';
      return isRefuted(order) ? 'REQUEST' : cool([request], failure, order);
    },
    /** A probe met the same refusal. */
    confirm(failure: Failure, order: number) {
      if (!isRefuted(order)) start(failures, failure, order);
    },
  };
}
