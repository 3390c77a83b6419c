import { SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';

/** Waits until the caller's signal aborts. The work itself goes on, and its outcome is recorded. */
export function waitFor<Result>(work: Promise<Result>, signal: AbortSignal, name: string): Promise<Result> {
  if (signal.aborted) return Promise.reject(gaveUpError(signal, name));
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(gaveUpError(signal, name));
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

function gaveUpError(signal: AbortSignal, name: string): VaultError {
  return new VaultError(
    'ENTRA_UNAVAILABLE',
    `The call's deadline passed before the token of ${name} was refreshed. The refresh goes on, so retry.`,
    { metadata: { resource: name }, retryAfter: SECOND, cause: signal.reason },
  );
}
