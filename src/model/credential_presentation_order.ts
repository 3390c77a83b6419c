import { type Credential, credentialState } from './app_credential.ts';
import type { Timestamp } from './clock.ts';

/**
 * When a credential is presented. PREFERRED: first. FALLBACK: when the preferred one is refused. TRIAL: new and accepted by a probe; first
 * at some exchanges until it is preferred. PROBING: new or refused; only if no other is left. NONE: expired or not yet valid.
 */
export type CredentialRole = 'PREFERRED' | 'FALLBACK' | 'TRIAL' | 'PROBING' | 'NONE';

/** By uid. `credentials` are all of one app, in the order of adding. */
export function rolesOf(credentials: readonly Credential[], now: Timestamp): ReadonlyMap<string, CredentialRole> {
  const preferred = presentOrder(credentials, now).find(isSettled);
  return new Map(credentials.map((credential) => [credential.uid, roleOf(credential, preferred, now)]));
}

/**
 * The order in which an exchange presents them, except for trials: settled ones, the latest first; those on trial; unprobed ones; and
 * rejected ones, as a last resort; equal ones in the order of adding. Without expired and not yet valid ones.
 */
export function presentOrder(credentials: readonly Credential[], now: Timestamp): readonly Credential[] {
  return credentials
    .filter((credential) => isValidNow(credential, now))
    .sort((a, b) => rankOf(a) - rankOf(b) || (b.preferTime ?? 0) - (a.preferTime ?? 0));
}

function roleOf(credential: Credential, preferred: Credential | undefined, now: Timestamp): CredentialRole {
  if (!isValidNow(credential, now)) return 'NONE';
  if (isSettled(credential)) return credential.uid === preferred?.uid ? 'PREFERRED' : 'FALLBACK';
  return credential.verdict === 'VALID' ? 'TRIAL' : 'PROBING';
}

function isValidNow(credential: Credential, now: Timestamp): boolean {
  const state = credentialState(credential, now);
  return state !== 'EXPIRED' && state !== 'NOT_YET_VALID';
}

function isSettled({ verdict, preferTime }: Credential): boolean {
  return preferTime !== undefined && verdict !== 'REJECTED';
}

function rankOf(credential: Credential): number {
  if (isSettled(credential)) return 0;
  return credential.verdict === 'VALID' ? 1 : credential.verdict === 'UNPROBED' ? 2 : 3;
}
