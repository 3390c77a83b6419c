import { performance } from 'node:perf_hooks';
import type { Admission } from '../entra/authorization_server.ts';
import { type Clock, DAY, type Duration, SECOND } from '../model/clock.ts';
import { type Connection, isSameAccount } from '../model/connection.ts';
import type { Failure, Granted, Outcome } from '../model/exchange.ts';
import { scopesOf } from '../model/resource.ts';
import type { Secret } from '../model/secret.ts';
import { allowsDirectory, type Tenant } from '../model/tenant.ts';
import type { HeldLease } from '../store/stores.ts';
import { refuseDeadToken } from './dead_token.ts';
import type { TokenMetrics } from './token_metrics.ts';

/** Less than the lease of 12 s, so that the record still falls under it. */
const EXCHANGE_DEADLINE: Duration = 8 * SECOND;
/** Not worth asking with less time left. */
const SHORTEST_EXCHANGE: Duration = SECOND;
/** How long the refresh token before is kept, and how young the present one must be for it to be tried. */
const PREVIOUS_LIFE: Duration = DAY;

export interface RedeemRequest {
  readonly held: HeldLease;
  readonly refreshToken: Secret;
  readonly admission: Admission;
  readonly tenant: Tenant;
  readonly resource: string;
  readonly claims: string | undefined;
}

export interface Redemption {
  readonly outcome: Outcome;
  /** To store; undefined: keep the stored one. */
  readonly refreshToken: Secret | undefined;
  /** Entra granted, but to somebody else. */
  readonly mismatch?: boolean;
  /** Entra granted, but not what the claims challenge asks for: that is the bringer's to hear. */
  readonly unmet?: Failure | undefined;
}

/** Redeems under the lease, and checks whose token came. */
export function createRedeem({ clock, metrics }: { readonly clock: Clock; readonly metrics: TokenMetrics }) {
  return async function redeem(request: RedeemRequest): Promise<Redemption> {
    const { held, admission, resource } = request;
    const deadline = performance.now() + EXCHANGE_DEADLINE;

    let { claims } = request;
    let unmet: Failure | undefined;

    async function exchange(refreshToken: Secret, scopes: readonly string[]): Promise<Outcome> {
      const sent = performance.now();
      const outcome = await admission.redeemRefreshToken({
        refreshToken,
        resource,
        scopes,
        claims,
        timeout: Math.max(SHORTEST_EXCHANGE, deadline - sent),
      });
      metrics.exchangeDuration(performance.now() - sent);
      metrics.exchange(outcome.kind, outcome.kind === 'granted' ? 'OK' : outcome.reason);
      return outcome;
    }
    // All that was granted of the resource, never a caller's part: one token serves every caller.
    const scopes = scopesOf(resource, held.connection.granted[resource]);
    const timeIsLeft = () => deadline - performance.now() >= SHORTEST_EXCHANGE;

    let spent = request.refreshToken;
    let outcome = await exchange(spent, scopes);
    // A challenge may want more than the grant is good for (another factor): no reason to cut off those who do not bring it.
    if (claims !== undefined && isAboutGrant(outcome) && timeIsLeft()) {
      claims = undefined;
      unmet = outcome;
      outcome = await exchange(spent, scopes);
    }
    if (outcome.kind === 'reauthorize' && timeIsLeft()) {
      const previous = youngPrevious(held, clock.now());
      if (previous !== undefined) {
        const second = await exchange(previous, scopes);
        if (second.kind === 'granted') {
          outcome = second;
          spent = previous;
        }
      }
    }
    // Consent to a part was withdrawn: ask for whatever is left (4-entra, "Entra does not narrow").
    if (outcome.kind === 'consent' && timeIsLeft()) outcome = await exchange(spent, [`${resource}/.default`]);
    if (outcome.kind !== 'granted') return { outcome, refreshToken: undefined };

    const refused = refuseAccount(held.connection, request.tenant, outcome);
    if (refused !== undefined) return { outcome: refused, refreshToken: undefined, mismatch: true };
    const refreshToken = outcome.refreshToken ?? (spent === request.refreshToken ? undefined : spent);
    const usable = refuseDeadToken(outcome, clock.now());
    return { outcome: usable, refreshToken, unmet };
  };
}

function isAboutGrant(outcome: Outcome): outcome is Failure {
  return outcome.kind === 'reauthorize' || outcome.kind === 'consent' || outcome.kind === 'blocked';
}

function youngPrevious(held: HeldLease, now: number): Secret | undefined {
  const previous = held.previousRefreshToken;
  return previous !== undefined && now - previous.replacedTime < PREVIOUS_LIFE ? previous.token : undefined;
}

/** An import ON_FIRST_USE is checked here for the first time; later only that the account stayed the same. */
function refuseAccount(connection: Connection, tenant: Tenant, granted: Granted): Failure | undefined {
  const { account } = granted;
  const unverified = connection.verifyTime === undefined;
  const changed =
    connection.account !== undefined && account !== undefined && !isSameAccount(connection.account, account);
  if (changed) return unverified ? failure('reauthorize', 'ACCOUNT_MISMATCH') : failure('ours', 'INTERNAL');
  if (!unverified || tenant.allowedDirectoryIds.length === 0) return undefined;
  const directoryId = account?.directoryId ?? connection.account?.directoryId;
  if (directoryId !== undefined && allowsDirectory(tenant, directoryId)) return undefined;
  return failure('blocked', 'DIRECTORY_NOT_ALLOWED');

  function failure(kind: Failure['kind'], reason: Failure['reason']): Failure {
    const { correlationId } = granted.accessToken;
    return {
      kind,
      subject: 'connection',
      reason,
      entraError: undefined,
      correlationId,
      retryAfter: undefined,
      claims: undefined,
    };
  }
}
