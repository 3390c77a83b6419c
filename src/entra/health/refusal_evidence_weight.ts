import { createHash } from 'node:crypto';

/**
 * How far a refusal counts.
 * - `FULL`: an ordinary exchange of a connection (its grant succeeded before, stored scopes, no claims, its own
 *   directory).
 * - `CREDENTIAL`: may count against the app's credential only (an authorization code, a token for the app in its own
 *   directory).
 * - `REQUEST`: a caller chose the scopes or the directory (an import, claims, another directory), so it counts against
 *   this request only.
 */
export type EvidenceWeight = 'FULL' | 'CREDENTIAL' | 'REQUEST';

export interface Requester {
  /** Undefined: an authorization code, an import, or a token for the app itself. */
  readonly connectionUid: string | undefined;
  readonly weight: EvidenceWeight;
}

/** The properties of a token request that can explain its refusal. */
export interface EvidenceContext extends Requester {
  readonly tenantUid: string;
  /** Undefined: a shared address such as `organizations`. */
  readonly directoryId: string | undefined;
  /** Canonical resource URI. */
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly claims: string | undefined;
  /** A second attempt after a refusal: its failure is not recorded. */
  readonly isRetry: boolean;
}

/** Equal for requests that Entra cannot tell apart; undefined: a request that is never repeated (a code, an import). */
export function requestKey(context: EvidenceContext, grant: string): string | undefined {
  const { connectionUid, directoryId = '', resource, scopes, claims } = context;
  if (connectionUid === undefined && grant !== 'client_credentials') return undefined;
  const sorted = scopes.map((scope) => scope.toLowerCase()).toSorted();
  const digest = createHash('sha256').update(sorted.join(' '));
  if (claims !== undefined) digest.update('\0').update(claims);
  return `${connectionUid ?? 'app'} ${directoryId} ${resource} ${digest.digest('base64url')}`;
}

/** The requester of all requests without a connection. */
export const NO_CONNECTION = '';

/** Identifies a requester for the trials of a cooldown: all requests without a connection share one. */
export function originOf({ connectionUid }: Pick<Requester, 'connectionUid'>): string {
  return connectionUid ?? NO_CONNECTION;
}

/** Identifies a requester as evidence: each request without a connection is a different one. */
export function requesterOf({ connectionUid }: Pick<Requester, 'connectionUid'>, order: number): string {
  return connectionUid ?? `request ${order}`;
}
