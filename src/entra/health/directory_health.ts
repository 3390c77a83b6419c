import { type Clock, type Duration, elapsedSince, HOUR, MINUTE, type Timestamp } from '../../model/clock.ts';
import type { Failure } from '../../model/exchange.ts';
import { type Cooldown, createCooldown } from './cooldown.ts';

/** A grant to another connection within this time shows that the place is in order. */
export const RECENT_GRANT: Duration = 2 * HOUR;
/** So many connections that fail alike within `ALIKE_WINDOW` hold the place, whatever the code. */
const FEWEST_ALIKE = 3;
const ALIKE_WINDOW: Duration = 5 * MINUTE;
const MOST_FAILURES = 16;
const MOST_TENANTS = 8;

/** One request there: who sent it, and when in the order of all requests. */
export interface DirectoryRequest {
  readonly requester: string;
  readonly tenantUid: string;
  readonly order: number;
}

/** What is known of an app in one directory, or at one resource there. */
export interface DirectoryHealth {
  readonly cooldown: Cooldown | undefined;
  /** Somebody of this tenant asks there, whatever the answer. */
  noteTenant(tenantUid: string): void;
  granted(request: DirectoryRequest): void;
  /** `HELD`: callers are refused from now on. `UNPROVED`: only a probe can tell. `REQUEST`: it counts against the request alone. */
  refused(request: DirectoryRequest, failure: Failure, known: boolean): Promise<'HELD' | 'UNPROVED' | 'REQUEST'>;
  /** A probe met the same refusal. */
  confirm(failure: Failure, order: number): void;
}

interface DirectoryFailure extends DirectoryRequest {
  readonly entraError: string | undefined;
  readonly time: Timestamp;
}

export interface DirectoryHealthParts {
  readonly clock: Clock;
  /** Whether the app is used by several tenants. */
  readonly isShared: boolean;
  /** Whether the database knows a grant to another connection there since that time: memory starts empty. */
  readonly wasGrantedSince: (time: Timestamp, exceptRequester: string) => Promise<boolean>;
}

export function createDirectoryHealth({ clock, isShared, wasGrantedSince }: DirectoryHealthParts): DirectoryHealth {
  const startTime = clock.now();
  const tenants = new Set<string>();
  /** The newest grants of two connections, so that one of another connection is among them. */
  let grants: readonly (DirectoryRequest & { readonly time: Timestamp })[] = [];
  let failures: readonly DirectoryFailure[] = [];
  let cooldown: Cooldown | undefined;

  const isWithin = (time: Timestamp, duration: Duration) => elapsedSince(time, clock.now()) < duration;

  function noteTenant(tenantUid: string): void {
    if (tenants.size < MOST_TENANTS) tenants.add(tenantUid);
  }

  async function wasGrantedToAnother(requester: string): Promise<boolean> {
    if (grants.some((grant) => grant.requester !== requester && isWithin(grant.time, RECENT_GRANT))) return true;
    const since = clock.now() - RECENT_GRANT;
    return startTime > since && (await wasGrantedSince(since, requester));
  }

  function close(requesters: readonly DirectoryRequest[], failure: Failure, order: number): 'HELD' {
    const [newest] = requesters.slice(-1);
    if (cooldown === undefined) {
      const names = requesters.map(({ requester }) => requester);
      cooldown = createCooldown(failure, { requesters: names, order }, clock.now());
    } else if (newest !== undefined) {
      cooldown.confirm(newest.requester, clock.now());
    }
    return 'HELD';
  }

  return {
    get cooldown() {
      return cooldown;
    },
    noteTenant,
    granted(request) {
      noteTenant(request.tenantUid);
      const others = grants.filter(({ requester }) => requester !== request.requester);
      grants = [{ ...request, time: clock.now() }, ...others].slice(0, 2);
      failures = failures.filter(({ order }) => order > request.order);
      if (cooldown?.isRefutedBy(request.order)) cooldown = undefined;
    },
    async refused(request, failure, known) {
      noteTenant(request.tenantUid);
      const { requester, order } = request;
      const isRefuted = () => grants.some((grant) => grant.order > order);
      if (isRefuted()) return 'REQUEST';
      const { entraError } = failure;
      const others = failures.filter((other) => other.requester !== requester && isWithin(other.time, ALIKE_WINDOW));
      failures = [...others, { ...request, entraError, time: clock.now() }].slice(-MOST_FAILURES);
      const confirms = known || cooldown?.entraError === entraError;
      if (confirms && cooldown?.isRefutedBy(order) === true) return close([request], failure, order);

      const alike = failures.filter((other) => other.entraError === entraError);
      // One tenant of a shared app must not be able to stop the others.
      const isOneSided = isShared && tenants.size > 1 && new Set(alike.map(({ tenantUid }) => tenantUid)).size < 2;
      if (alike.length >= FEWEST_ALIKE) return isOneSided ? 'UNPROVED' : close(alike, failure, order);
      if (!known) return 'REQUEST';
      if (isOneSided || (await wasGrantedToAnother(requester))) return 'UNPROVED';
      if (isRefuted()) return 'REQUEST';
      return close([request], failure, order);
    },
    confirm(failure, order) {
      if (grants.some((grant) => grant.order > order)) return;
      cooldown ??= createCooldown(
        failure,
        { requesters: failures.map(({ requester }) => requester), order },
        clock.now(),
      );
    },
  };
}
