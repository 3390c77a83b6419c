import type { Credential } from '../../model/app_credential.ts';
import { DAY, type Duration, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import { newUid } from '../../model/id_patterns.ts';
import { isMarkerOf } from '../../model/secret_rotation.ts';
import type { EventBody, VaultEvent } from '../../model/vault_event.ts';
import type { NamedCredential } from './credentials_to_match.ts';

/** An operator who relies on a later date must learn at once of an earlier one that is this near. */
const URGENT: Duration = 14 * DAY;

/** Entra reports another expiry date than the operator. */
export function expiryMismatch(
  app: App,
  credential: Credential,
  { said, entra }: { readonly said: Timestamp; readonly entra: Timestamp },
  now: Timestamp,
): VaultEvent {
  const { uid, credentialId, kind, hint } = credential;
  return {
    ...eventFields(app, now),
    type: 'credential.expiry_mismatch',
    dedupeKey: `credential.expiry_mismatch/${uid}/${entra}`,
    severity: entra < said && entra - now <= URGENT ? 'CRITICAL' : 'WARNING',
    subject: `${appName(app)}/credentials/${credentialId}`,
    data: { app: appName(app), clientId: app.clientId, kind, hint, configuredExpireTime: said, entraExpireTime: entra },
  };
}

/** The registration at Entra has a credential that the vault does not. */
export function unknownCredential(app: App, credential: NamedCredential, now: Timestamp): VaultEvent {
  const { kind, keyId, mark, displayName, endTime } = credential;
  const data: Extract<EventBody, { type: 'credential.unknown' }>['data'] = {
    clientId: app.clientId,
    kind,
    keyId,
    hint: mark,
    expireTime: endTime,
    orphan: isMarkerOf(app, displayName),
  };
  return {
    ...eventFields(app, now),
    type: 'credential.unknown',
    dedupeKey: `credential.unknown/${app.uid}/${keyId}`,
    severity: 'WARNING',
    subject: appName(app),
    data,
  };
}

function eventFields({ tenantUid, tenantId }: App, time: Timestamp) {
  return { uid: newUid(), tenantUid, tenantId, time };
}
