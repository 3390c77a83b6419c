import { performance } from 'node:perf_hooks';
import type { Admission } from '../entra/authorization_server.ts';
import { type Clock, DAY, type Duration, SECOND } from '../model/clock.ts';
import { type Connection, isSameAccount } from '../model/connection.ts';
import type { Failure, Granted, Outcome } from '../model/exchange.ts';
import { asMissingConsent, isUnclearForPersonal } from '../model/personal_account.ts';
import { scopesOf } from '../model/resource.ts';
import type { Secret } from '../model/secret.ts';
import { allowsDirectory, type Tenant } from '../model/tenant.ts';
import type { HeldLease } from '../store/stores.ts';
import type { TokenMetrics } from './token_metrics.ts';
import { rejectUnusableToken } from './unusable_token.ts';

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
  /** Ask Entra although it refused the same request a short while ago. */
  readonly force: boolean;
}

export interface Redemption {
  readonly outcome: Outcome;
  /** To store; undefined: keep the stored one. */
  readonly refreshToken: Secret | undefined;
  /** Entra granted, but to another account. */
  readonly mismatch?: boolean;
  /** What Entra answered to a claims challenge, before it was asked without: only the caller that brought the challenge gets it. */
  readonly unmet?: Failure | undefined;
  /** Of another resource: it proves that Entra takes the refresh token. */
  readonly proof?: Granted | undefined;
}

interface Exchange {
  readonly refreshToken: Secret;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** A further request about the same failure, which marks nothing. */
  readonly retry: boolean;
}

/** Redeems under the lease, and checks whose token came. */
export function createRedeem({ clock, metrics }: { readonly clock: Clock; readonly metrics: TokenMetrics }) {
  return async function redeem(request: RedeemRequest): Promise<Redemption> {
    const { held, admission, resource } = request;
    const { connection } = held;
    const deadline = performance.now() + EXCHANGE_DEADLINE;

    let { claims } = request;
    let unmet: Failure | undefined;

    async function exchange(what: Exchange): Promise<Outcome> {
      const sent = performance.now();
      const timeout = Math.max(SHORTEST_EXCHANGE, deadline - sent);
      const outcome = await admission.redeemRefreshToken({ ...what, claims, force: request.force, timeout });
      metrics.exchangeDuration(performance.now() - sent);
      metrics.exchange(outcome.kind, outcome.kind === 'granted' ? 'OK' : outcome.reason);
      return outcome;
    }
    const timeIsLeft = () => deadline - performance.now() >= SHORTEST_EXCHANGE;

    let spent = request.refreshToken;
    const first: Exchange = { refreshToken: spent, resource, scopes: scopesIn(connection, resource), retry: false };
    let outcome = await exchange(first);
    // A challenge may be malformed, or require more than the grant can satisfy (another factor): callers without it are not affected.
    if (claims !== undefined && mayBeForClaims(outcome) && timeIsLeft()) {
      claims = undefined;
      unmet = outcome;
      outcome = await exchange({ ...first, retry: true });
    }
    if (outcome.kind === 'reauthorize' && outcome.subject === 'connection' && timeIsLeft()) {
      const previous = youngPrevious(held, clock.now());
      if (previous !== undefined) {
        const second = await exchange({ ...first, refreshToken: previous, retry: true });
        if (second.kind === 'granted') {
          outcome = second;
          spent = previous;
        }
      }
    }
    // Consent to some of the permissions may be missing: ask for those that are consented (4-entra, "Entra does not narrow").
    if (outcome.kind === 'consent' && timeIsLeft()) {
      const scopes = scopesOf(resource, undefined);
      const second = await exchange({ ...first, refreshToken: spent, scopes, retry: true });
      if (second.kind === 'granted') outcome = second;
    }
    if (isUnclearForPersonal(connection.account, outcome) && timeIsLeft()) {
      const proof = await redeemAnother();
      if (proof !== undefined) {
        return { outcome: asMissingConsent(outcome), refreshToken: proof.refreshToken, unmet, proof };
      }
    }
    if (outcome.kind !== 'granted') return { outcome, refreshToken: undefined, unmet };

    const refused = refuseAccount(connection, request.tenant, outcome);
    if (refused !== undefined) return { outcome: refused, refreshToken: undefined, mismatch: true };
    const refreshToken = outcome.refreshToken ?? (spent === request.refreshToken ? undefined : spent);
    const usable = rejectUnusableToken(outcome, clock.now());
    return { outcome: usable, refreshToken, unmet };

    /** The resource that is most likely to be granted, with the same refresh token. */
    async function redeemAnother(): Promise<Granted | undefined> {
      const others = Object.keys(connection.granted).filter((other) => other !== resource);
      const other = others.find((name) => connection.resourceIssues[name] === undefined) ?? others[0];
      if (other === undefined) return undefined;
      const scopes = scopesIn(connection, other);
      const answer = await exchange({ refreshToken: spent, resource: other, scopes, retry: true });
      const second = rejectUnusableToken(answer, clock.now());
      if (second.kind !== 'granted') return undefined;
      return refuseAccount(connection, request.tenant, second) === undefined ? second : undefined;
    }
  };
}

/** All that was granted of the resource, or asked for in vain so far: never a caller's part, since one token serves every caller. */
function scopesIn({ granted, resourceIssues }: Connection, resource: string): readonly string[] {
  return scopesOf(resource, granted[resource] ?? resourceIssues[resource]?.requested);
}

function mayBeForClaims(outcome: Outcome): outcome is Failure {
  switch (outcome.kind) {
    case 'reauthorize':
    case 'consent':
    case 'blocked':
    case 'suspect':
    case 'caller':
    case 'ours':
      return true;
    case 'app_config':
      return outcome.subject === 'request';
    default:
      return false;
  }
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
