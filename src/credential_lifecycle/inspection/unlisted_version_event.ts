import type { Credential } from '../../model/app_credential.ts';
import { DAY, type Duration, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import { newUid } from '../../model/id_patterns.ts';
import type { RotationBlocker } from '../../model/secret_rotation_transition.ts';
import type { VaultEvent } from '../../model/vault_event.ts';

const URGENT: Duration = 14 * DAY;

/** The vault cannot add a version of a Key Vault certificate to the registration: once for each version, cause and severity. */
export function unlistedVersionEvent(
  app: App,
  { version, inUse }: { readonly version: string; readonly inUse: Credential },
  { problem, code, permission }: RotationBlocker,
  now: Timestamp,
): VaultEvent {
  const { uid, tenantUid, tenantId, clientId } = app;
  const { credentialId: oldCredential, expireTime } = inUse;
  const severity = expireTime !== undefined && expireTime - now <= URGENT ? 'CRITICAL' : 'WARNING';
  const names = { app: appName(app), clientId, oldCredential };
  return {
    uid: newUid(),
    dedupeKey: `credential.rotation_failed/${uid}/${version}/${problem}/${severity}`,
    tenantUid,
    tenantId,
    subject: appName(app),
    time: now,
    severity,
    type: 'credential.rotation_failed',
    data: { ...names, step: 'ADD', problem, code, permission, hints: undefined, expireTime },
  };
}
