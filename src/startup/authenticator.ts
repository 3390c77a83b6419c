import { readCallersFile } from '../config/callers_file.ts';
import type { KnownKey } from '../model/caller.ts';
import type { Clock } from '../model/clock.ts';
import {
  type Authenticator,
  createKeyAuthenticator,
  createLoopbackAuthenticator,
} from '../rpc/pipeline/authenticate.ts';

/** By the API keys of a callers file, handed out too, for they end; without one, everybody on loopback. */
export function openAuthenticator(
  callersFile: string | undefined,
  clock: Clock,
): { readonly authenticator: Authenticator; readonly keys: readonly KnownKey[] } {
  if (callersFile === undefined) return { authenticator: createLoopbackAuthenticator(), keys: [] };
  const keys = readCallersFile(callersFile);
  return { authenticator: createKeyAuthenticator(keys, clock), keys };
}
