import type { Clock } from '../model/clock.ts';
import { type Authenticator, createKeyAuthenticator, createLoopbackAuthenticator } from './authenticate.ts';
import { readCallersFile } from './callers_file.ts';

/** By the API keys of a callers file; without one, everybody on loopback. */
export function openAuthenticator(callersFile: string | undefined, clock: Clock): Authenticator {
  if (callersFile === undefined) return createLoopbackAuthenticator();
  return createKeyAuthenticator(readCallersFile(callersFile), clock);
}
