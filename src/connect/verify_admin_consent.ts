import { setTimeout as timer } from 'node:timers/promises';
import type { CredentialProbe } from '../entra/entra_client_interface.ts';
import { SECOND } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import { type Reason, VaultError } from '../model/errors.ts';
import type { ConnectParts } from './connect_dependencies.ts';

/** Consent creates the app's service principal, which needs time to propagate. */
const PAUSES = [SECOND, 2 * SECOND];

/**
 * Anybody can send a response that names any directory, so the vault checks with Entra: it issues an app token only in a directory that has
 * the app's service principal. A probe does not change the state of app or directory, because the response may be forged.
 * ADMIN_CONSENT_REQUIRED, BLOCKED_BY_POLICY, ENTRA_UNAVAILABLE, APP_CREDENTIAL_REJECTED, APP_CREDENTIAL_PROPAGATING.
 */
export async function proveConsent(
  { authorizationServer, pause = timer }: Pick<ConnectParts, 'authorizationServer' | 'pause'>,
  app: App,
  directoryId: string,
): Promise<void> {
  for (const delay of [...PAUSES, undefined]) {
    const reason = reasonOf(await authorizationServer.probe(app, directoryId));
    if (reason === undefined) return;
    if (reason !== 'ADMIN_CONSENT_REQUIRED' || delay === undefined) {
      throw new VaultError(
        reason,
        `Entra issued no app token to ${appName(app)} in the named directory. Check the consent, then open the link again.`,
      );
    }
    await pause(delay);
  }
}

/** Undefined: Entra accepted a credential there. An inconclusive probe is not the administrator's fault. */
function reasonOf(probes: readonly CredentialProbe[]): Reason | undefined {
  const outcomes = probes.map(({ outcome }) => outcome);
  if (outcomes.includes('VALID')) return undefined;
  const reasons = probes.map(({ reason }) => reason);
  const directoryReason = (['BLOCKED_BY_POLICY', 'ADMIN_CONSENT_REQUIRED'] as const).find((one) =>
    reasons.includes(one),
  );
  if (directoryReason !== undefined) return directoryReason;
  if (outcomes.includes('PROPAGATING')) return 'APP_CREDENTIAL_PROPAGATING';
  return outcomes.includes('INCONCLUSIVE') ? 'ENTRA_UNAVAILABLE' : 'APP_CREDENTIAL_REJECTED';
}
