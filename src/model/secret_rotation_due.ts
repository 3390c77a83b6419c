import { type Credential, credentialState, neverExpires } from './app_credential.ts';
import type { Timestamp } from './clock.ts';
import type { App } from './entra_app.ts';

export type RotatedCredential = Credential & { readonly kind: 'CLIENT_SECRET' | 'CERTIFICATE' };

/**
 * The client secret or certificate that a rotation replaces: of the usable ones the one that expires last; without a usable one, the one
 * that expired last. A certificate is usable once Entra has accepted it, since a person must add the first one to the registration.
 */
export function rotatedCredential(credentials: readonly Credential[], now: Timestamp): RotatedCredential | undefined {
  const own = credentials.filter(isRotated);
  const usable = own.filter((one) => one.verdict !== 'REJECTED' && credentialState(one, now) !== 'EXPIRED');
  const candidates = usable.length > 0 ? usable : own;
  return candidates.toSorted((a, b) => expiryOf(b) - expiryOf(a))[0];
}

/** When the vault replaces the app's credential; undefined: it does not, or the expiry is unknown. */
export function rotationTime(
  { rotation }: Pick<App, 'rotation'>,
  credentials: readonly Credential[],
  now: Timestamp,
): Timestamp | undefined {
  const old = rotatedCredential(credentials, now);
  if (rotation === undefined || old?.expireTime === undefined || neverExpires(old)) return undefined;
  return old.expireTime - rotation.leadTime;
}

function isRotated(credential: Credential): credential is RotatedCredential {
  const { kind, verdict, lastUsedTime } = credential;
  return kind === 'CLIENT_SECRET' || (kind === 'CERTIFICATE' && (verdict === 'VALID' || lastUsedTime !== undefined));
}

function expiryOf({ expireTime = Infinity }: Credential): Timestamp {
  return expireTime;
}
