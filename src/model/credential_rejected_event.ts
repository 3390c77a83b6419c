import type { Credential } from './app_credential.ts';
import type { Timestamp } from './clock.ts';
import { appName } from './connection.ts';
import { presentOrder } from './credential_presentation_order.ts';
import type { App } from './entra_app.ts';
import { newUid } from './id_patterns.ts';
import type { VaultEvent } from './vault_event.ts';

export type CredentialRejectedEvent = Extract<VaultEvent, { readonly type: 'credential.rejected' }>;

/** With a fallback users do not notice; without one none of them gets a token. */
export function credentialRejected(
  app: Pick<App, 'tenantUid' | 'tenantId' | 'appId' | 'clientId'>,
  credential: Credential,
  fallback: Credential | undefined,
  entraError: string | undefined,
  time: Timestamp,
): CredentialRejectedEvent {
  return {
    uid: newUid(),
    dedupeKey: undefined,
    type: 'credential.rejected',
    severity: fallback === undefined ? 'CRITICAL' : 'WARNING',
    tenantUid: app.tenantUid,
    tenantId: app.tenantId,
    subject: `${appName(app)}/credentials/${credential.credentialId}`,
    time,
    data: {
      app: appName(app),
      clientId: app.clientId,
      kind: credential.kind,
      hint: credential.hint,
      entraError,
      fallback: fallback?.credentialId,
    },
  };
}

/** The credential to present after this one is refused. `credentials` are all of the app, in the order of adding. */
export function fallbackOf(
  { uid }: Pick<Credential, 'uid'>,
  credentials: readonly Credential[],
  now: Timestamp,
): Credential | undefined {
  return presentOrder(credentials, now).find((other) => other.uid !== uid && other.verdict !== 'REJECTED');
}
