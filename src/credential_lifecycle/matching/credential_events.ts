import type { App } from '../../model/app.ts';
import { DAY, type Duration, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { Credential } from '../../model/credential.ts';
import type { EventBody, VaultEvent } from '../../model/event.ts';
import { newUid } from '../../model/ids.ts';
import { isMarkerOf } from '../../model/rotation.ts';
import type { NamedEntry } from './own_credentials.ts';

/** Who goes by the end that they know must hear at once of a true one that comes before they would act. */
const AT_ONCE: Duration = 14 * DAY;

/** Entra's end is another than the one that somebody gave. */
export function expiryMismatch(
  app: App,
  credential: Credential,
  { said, entra }: { readonly said: Timestamp; readonly entra: Timestamp },
  now: Timestamp,
): VaultEvent {
  const { uid, credentialId, kind, hint } = credential;
  return {
    ...told(app, now),
    type: 'credential.expiry_mismatch',
    cause: `credential.expiry_mismatch/${uid}/${entra}`,
    severity: entra < said && entra - now <= AT_ONCE ? 'CRITICAL' : 'WARNING',
    subject: `${appName(app)}/credentials/${credentialId}`,
    data: { app: appName(app), clientId: app.clientId, kind, hint, configuredExpireTime: said, entraExpireTime: entra },
  };
}

/** Entra's registration lists one that is not the vault's. */
export function unknownCredential(app: App, stranger: NamedEntry, now: Timestamp): VaultEvent {
  const { kind, keyId, mark, displayName, endTime } = stranger;
  const data: Extract<EventBody, { type: 'credential.unknown' }>['data'] = {
    clientId: app.clientId,
    kind,
    keyId,
    hint: mark,
    expireTime: endTime,
    orphan: isMarkerOf(app, displayName),
  };
  return {
    ...told(app, now),
    type: 'credential.unknown',
    cause: `credential.unknown/${app.uid}/${keyId}`,
    severity: 'WARNING',
    subject: appName(app),
    data,
  };
}

function told({ tenantUid, tenantId }: App, time: Timestamp) {
  return { uid: newUid(), tenantUid, tenantId, time };
}
