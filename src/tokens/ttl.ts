import type { Duration } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';

/** Entra has just issued it and would not issue a longer one, so another exchange is of no use. */
export function ttlUnattainable(name: string, left: Duration): VaultError {
  const seconds = Math.max(0, Math.floor(left / 1_000));
  return new VaultError(
    'TTL_UNATTAINABLE',
    `Entra's tokens for ${name} live only ${seconds} s; ask with a smaller min_ttl`,
    { metadata: { resource: name, attainable: `${seconds}s` } },
  );
}
