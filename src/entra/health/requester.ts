import { createHash } from 'node:crypto';

/**
 * How far a refusal counts. `FULL`: an ordinary exchange of a connection (its grant succeeded before, its stored scopes, no claims,
 * its own directory). `CREDENTIAL`: it may count against the app's credential alone (an authorization code, a token for the app in
 * its own directory). `REQUEST`: what was asked, or where, was chosen by a caller (an import, claims, another directory), so it
 * counts against this request alone.
 */
export type EvidenceWeight = 'FULL' | 'CREDENTIAL' | 'REQUEST';

/** For whom Entra is asked. */
export interface Requester {
  /** Undefined: an authorization code, an import, or a token for the app itself. */
  readonly connectionUid: string | undefined;
  readonly weight: EvidenceWeight;
}

/** One request to the token endpoint, as far as it can be to blame. */
export interface EvidenceContext extends Requester {
  readonly tenantUid: string;
  /** Undefined: a shared address such as `organizations`. */
  readonly directoryId: string | undefined;
  /** Canonical resource URI. */
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly claims: string | undefined;
  /** A second try after a refusal: its failure marks nothing. */
  readonly isRetry: boolean;
}

/** Equal for requests that Entra cannot tell apart; undefined: a request that is never sent again (a code, an import). */
export function requestKey(context: EvidenceContext, grant: string): string | undefined {
  const { connectionUid, directoryId = '', resource, scopes, claims } = context;
  if (connectionUid === undefined && grant !== 'client_credentials') return undefined;
  const digest = createHash('sha256').update(scopes.toSorted().join(' ').toLowerCase());
  if (claims !== undefined) digest.update('\0').update(claims);
  return `${connectionUid ?? 'app'} ${directoryId} ${resource} ${digest.digest('base64url')}`;
}

/** Who waits for the trials of a hold: requests of no connection have those of one together. */
export function originOf({ connectionUid }: Pick<Requester, 'connectionUid'>): string {
  return connectionUid ?? '';
}

/** Names who sent a request; one of no connection is different from all others. */
export function requesterOf({ connectionUid }: Pick<Requester, 'connectionUid'>, order: number): string {
  return connectionUid ?? `request ${order}`;
}
