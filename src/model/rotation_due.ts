import type { App } from './app.ts';
import type { Timestamp } from './clock.ts';
import { type Credential, credentialState, neverExpires } from './credential.ts';

/** The client secret that a rotation replaces: of those that serve, the one that ends last; where none does, the one that ended last. */
export function rotatedCredential(credentials: readonly Credential[], now: Timestamp): Credential | undefined {
  const secrets = credentials.filter(({ kind }) => kind === 'CLIENT_SECRET');
  const serving = secrets.filter(
    (secret) => secret.verdict !== 'REJECTED' && credentialState(secret, now) !== 'EXPIRED',
  );
  const candidates = serving.length > 0 ? serving : secrets;
  return candidates.toSorted((a, b) => endOf(b) - endOf(a))[0];
}

/** When the app's client secret is renewed by itself; undefined: it is not, or nobody knows when it ends. */
export function rotationTime(
  { rotation }: Pick<App, 'rotation'>,
  credentials: readonly Credential[],
  now: Timestamp,
): Timestamp | undefined {
  const old = rotatedCredential(credentials, now);
  if (rotation === undefined || old?.expireTime === undefined || neverExpires(old)) return undefined;
  return old.expireTime - rotation.leadTime;
}

function endOf({ expireTime = Infinity }: Credential): Timestamp {
  return expireTime;
}
