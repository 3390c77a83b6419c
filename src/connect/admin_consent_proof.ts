import { setTimeout as timer } from 'node:timers/promises';
import type { CredentialProbe } from '../entra/authorization_server.ts';
import type { App } from '../model/app.ts';
import { SECOND } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import { type Reason, VaultError } from '../model/errors.ts';
import type { ConnectParts } from './connect_parts.ts';

/** Consent makes the app's service principal, which takes its time to be known everywhere. */
const PAUSES = [SECOND, 2 * SECOND];

/**
 * Anybody can send an answer that names any directory, so Entra itself is asked: it gives an app a token of its own only in a directory where
 * its service principal is. By a probe, which blames neither app nor directory for what the answer made up.
 * ADMIN_CONSENT_REQUIRED, BLOCKED_BY_POLICY, ENTRA_UNAVAILABLE, APP_CREDENTIAL_REJECTED, APP_CREDENTIAL_PROPAGATING.
 */
export async function proveConsent(
  { authorizationServer, pause = timer }: Pick<ConnectParts, 'authorizationServer' | 'pause'>,
  app: App,
  directoryId: string,
): Promise<void> {
  for (const rest of [...PAUSES, undefined]) {
    const reason = reasonOf(await authorizationServer.probe(app, directoryId));
    if (reason === undefined) return;
    if (reason !== 'ADMIN_CONSENT_REQUIRED' || rest === undefined) {
      throw new VaultError(reason, `Entra gave ${appName(app)} no token of its own in the directory that was named`);
    }
    await pause(rest);
  }
}

/** Undefined: one credential was accepted there. What no probe could find out is not held against the administrator. */
function reasonOf(probes: readonly CredentialProbe[]): Reason | undefined {
  const outcomes = probes.map(({ outcome }) => outcome);
  if (outcomes.includes('VALID')) return undefined;
  const reasons = probes.map(({ reason }) => reason);
  const ofDirectory = (['BLOCKED_BY_POLICY', 'ADMIN_CONSENT_REQUIRED'] as const).find((one) => reasons.includes(one));
  if (ofDirectory !== undefined) return ofDirectory;
  if (outcomes.includes('PROPAGATING')) return 'APP_CREDENTIAL_PROPAGATING';
  return outcomes.includes('INCONCLUSIVE') ? 'ENTRA_UNAVAILABLE' : 'APP_CREDENTIAL_REJECTED';
}
