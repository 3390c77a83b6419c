import { SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';

/** Waits as long as the caller does. Leaving ends the waiting alone: the work goes on and is recorded. */
export function waitFor<Result>(work: Promise<Result>, signal: AbortSignal, name: string): Promise<Result> {
  if (signal.aborted) return Promise.reject(leftEarly(signal, name));
  return new Promise((resolve, reject) => {
    const leave = () => reject(leftEarly(signal, name));
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

function leftEarly(signal: AbortSignal, name: string): VaultError {
  return new VaultError(
    'ENTRA_UNAVAILABLE',
    `The call's time ended before the token of ${name} was fresh; the work goes on, so retry`,
    { metadata: { resource: name }, retryAfter: SECOND, cause: signal.reason },
  );
}
