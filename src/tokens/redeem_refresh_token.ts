import { performance } from 'node:perf_hooks';
import type { Admission } from '../entra/entra_client_interface.ts';
import { type Clock, DAY, type Duration, SECOND } from '../model/clock.ts';
import { type Connection, isSameAccount } from '../model/connection.ts';
import { scopesOf } from '../model/microsoft_resource_uri.ts';
import { asMissingConsent, isUnclearForPersonal } from '../model/personal_account_refusal.ts';
import type { Secret } from '../model/secret.ts';
import { allowsDirectory, type Tenant } from '../model/tenant.ts';
import { type Failure, type Granted, newFailure, type Outcome } from '../model/token_request_outcome.ts';
import type { HeldLease } from '../store/store_interfaces.ts';
import type { RefreshRequest } from './refresh_request.ts';
import { rejectUnusableToken } from './reject_unusable_token.ts';
import type { TokenMetrics } from './token_metrics_interface.ts';

/** Less than the lease of 12 s, so that the record still falls under it. */
const EXCHANGE_DEADLINE: Duration = 8 * SECOND;
/** With less time left no exchange is started. */
const SHORTEST_EXCHANGE: Duration = SECOND;
/** How young the present refresh token must be for the previous one to be tried. */
const PREVIOUS_USABLE_FOR: Duration = DAY;

export interface Redemption {
  readonly outcome: Outcome;
  /** To store; undefined: keep the stored one. */
  readonly refreshToken: Secret | undefined;
  /** Entra granted, but to another account. */
  readonly isMismatch?: boolean;
  /** Entra's answer to the claims challenge, before a second request without it. Only the caller with the challenge gets it. */
  readonly claimsFailure?: Failure | undefined;
  /** A grant of another resource: it proves that Entra accepts the refresh token. */
  readonly proof?: Granted | undefined;
}

interface Exchange {
  readonly refreshToken: Secret;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** A further request about the same failure, which changes no state. */
  readonly retry: boolean;
}

/** Redeems the refresh token under the lease, and checks whose token Entra issued. */
export function createRedeem({ clock, metrics }: { readonly clock: Clock; readonly metrics: TokenMetrics }) {
  return async function redeem(
    held: HeldLease,
    storedToken: Secret,
    admission: Admission,
    request: RefreshRequest,
  ): Promise<Redemption> {
    const { resource, ignoreCooldown: force = false } = request;
    const { tenant } = request.snapshot;
    const { connection } = held;
    const deadline = performance.now() + EXCHANGE_DEADLINE;
    let { claims } = request;
    let claimsFailure: Failure | undefined;
    let refreshToken = storedToken;

    const first: Exchange = { refreshToken, resource, scopes: scopesIn(connection, resource), retry: false };
    let outcome = await exchange(first);
    await retryWithoutClaims();
    await retryWithPreviousToken();
    await retryWithConsentedScopes();
    if (isUnclearForPersonal(connection.account, outcome) && isTimeLeft()) {
      const proof = await redeemAnotherResource();
      if (proof !== undefined) {
        return { outcome: asMissingConsent(outcome), refreshToken: proof.refreshToken, claimsFailure, proof };
      }
    }
    if (outcome.kind !== 'granted') return { outcome, refreshToken: undefined, claimsFailure };
    const mismatch = checkAccount(connection, tenant, outcome);
    if (mismatch !== undefined) return { outcome: mismatch, refreshToken: undefined, isMismatch: true };
    const newToken = outcome.refreshToken ?? (refreshToken === storedToken ? undefined : refreshToken);
    return { outcome: rejectUnusableToken(outcome, clock.now()), refreshToken: newToken, claimsFailure };

    async function exchange(what: Exchange): Promise<Outcome> {
      const sentTime = performance.now();
      const answer = await admission.redeemRefreshToken({ ...what, claims, force, timeout: deadline - sentTime });
      metrics.exchangeDuration(performance.now() - sentTime);
      metrics.exchange(answer.kind, answer.kind === 'granted' ? 'OK' : answer.reason);
      return answer;
    }

    function isTimeLeft(): boolean {
      return deadline - performance.now() >= SHORTEST_EXCHANGE;
    }

    /** A challenge may be malformed, or require more than the grant satisfies (another factor). Callers without it are not affected. */
    async function retryWithoutClaims(): Promise<void> {
      if (claims === undefined || !mayBeForClaims(outcome) || !isTimeLeft()) return;
      claims = undefined;
      claimsFailure = outcome;
      outcome = await exchange({ ...first, retry: true });
    }

    async function retryWithPreviousToken(): Promise<void> {
      if (outcome.kind !== 'reauthorize' || outcome.subject !== 'connection' || !isTimeLeft()) return;
      const previous = held.previousRefreshToken();
      if (previous === undefined || clock.now() - previous.replacedTime >= PREVIOUS_USABLE_FOR) return;
      const answer = await exchange({ ...first, refreshToken: previous.token, retry: true });
      if (answer.kind !== 'granted') return;
      outcome = answer;
      refreshToken = previous.token;
    }

    /** Consent to some of the permissions may be missing: request those that are consented (4-entra, "Entra does not narrow"). */
    async function retryWithConsentedScopes(): Promise<void> {
      if (outcome.kind !== 'consent' || !isTimeLeft()) return;
      const scopes = scopesOf(resource, undefined);
      const answer = await exchange({ ...first, scopes, retry: true });
      if (answer.kind === 'granted') outcome = answer;
    }

    /** The resource that is most likely to be granted, with the same refresh token. */
    async function redeemAnotherResource(): Promise<Granted | undefined> {
      const others = Object.keys(connection.granted).filter((other) => other !== resource);
      const other = others.find((name) => connection.resourceIssues[name] === undefined) ?? others[0];
      if (other === undefined) return undefined;
      const scopes = scopesIn(connection, other);
      const answer = await exchange({ refreshToken, resource: other, scopes, retry: true });
      const usable = rejectUnusableToken(answer, clock.now());
      if (usable.kind !== 'granted') return undefined;
      return checkAccount(connection, tenant, usable) === undefined ? usable : undefined;
    }
  };
}

/** All that was granted of the resource, or requested in vain so far: one token serves every caller, whatever part it needs. */
function scopesIn({ granted, resourceIssues }: Connection, resource: string): readonly string[] {
  return scopesOf(resource, granted[resource] ?? resourceIssues[resource]?.requested);
}

function mayBeForClaims(outcome: Outcome): outcome is Failure {
  switch (outcome.kind) {
    case 'reauthorize':
    case 'consent':
    case 'blocked':
    case 'ambiguous':
    case 'caller':
    case 'vault_fault':
      return true;
    case 'app_config':
      return outcome.subject === 'request';
    default:
      return false;
  }
}

/** The first redemption of an unverified import checks its account and directory; later ones check that the account stayed the same. */
function checkAccount(connection: Connection, tenant: Tenant, granted: Granted): Failure | undefined {
  const { account } = granted;
  const { correlationId } = granted.accessToken;
  const isUnverified = connection.verifyTime === undefined;
  if (connection.account !== undefined && account !== undefined && !isSameAccount(connection.account, account)) {
    const meaning = isUnverified
      ? (['reauthorize', 'ACCOUNT_MISMATCH'] as const)
      : (['vault_fault', 'INTERNAL'] as const);
    return newFailure(meaning[0], 'connection', meaning[1], { correlationId });
  }
  if (!isUnverified || tenant.allowedDirectoryIds.length === 0) return undefined;
  const directoryId = account?.directoryId ?? connection.account?.directoryId;
  if (directoryId !== undefined && allowsDirectory(tenant, directoryId)) return undefined;
  return newFailure('blocked', 'connection', 'DIRECTORY_NOT_ALLOWED', { correlationId });
}
