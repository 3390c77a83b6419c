import { type Credential, credentialState, neverExpires } from './app_credential.ts';
import type { Timestamp } from './clock.ts';
import type { App } from './entra_app.ts';

/** The client secret that a rotation replaces: of the usable ones the one that expires last; without a usable one, the one that expired last. */
export function rotatedCredential(credentials: readonly Credential[], now: Timestamp): Credential | undefined {
  const secrets = credentials.filter(({ kind }) => kind === 'CLIENT_SECRET');
  const usable = secrets.filter(
    (secret) => secret.verdict !== 'REJECTED' && credentialState(secret, now) !== 'EXPIRED',
  );
  const candidates = usable.length > 0 ? usable : secrets;
  return candidates.toSorted((a, b) => expiryOf(b) - expiryOf(a))[0];
}

/** When the vault replaces the app's client secret; undefined: it does not, or the expiry is unknown. */
export function rotationTime(
  { rotation }: Pick<App, 'rotation'>,
  credentials: readonly Credential[],
  now: Timestamp,
): Timestamp | undefined {
  const old = rotatedCredential(credentials, now);
  if (rotation === undefined || old?.expireTime === undefined || neverExpires(old)) return undefined;
  return old.expireTime - rotation.leadTime;
}

function expiryOf({ expireTime = Infinity }: Credential): Timestamp {
  return expireTime;
}
