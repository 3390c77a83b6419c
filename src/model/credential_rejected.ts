import type { App } from './app.ts';
import type { Timestamp } from './clock.ts';
import { appName } from './connection.ts';
import type { Credential } from './credential.ts';
import { presentOrder } from './credential_role.ts';
import type { VaultEvent } from './event.ts';
import { newUid } from './ids.ts';

export interface CredentialRejection {
  readonly app: Pick<App, 'tenantUid' | 'tenantId' | 'appId' | 'clientId'>;
  readonly credential: Credential;
  /** Serves instead; undefined: there is none. */
  readonly fallback: Credential | undefined;
  readonly entraError: string | undefined;
  readonly time: Timestamp;
}

export type CredentialRejectedEvent = Extract<VaultEvent, { readonly type: 'credential.rejected' }>;

/** While another serves instead no user notices; without one none of them gets a token. */
export function credentialRejected(rejection: CredentialRejection): CredentialRejectedEvent {
  const { app, credential, fallback, entraError, time } = rejection;
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

/** What is presented next where `credential` is refused. `credentials` are all of its app, in the order of adding. */
export function fallbackOf(
  { uid }: Pick<Credential, 'uid'>,
  credentials: readonly Credential[],
  now: Timestamp,
): Credential | undefined {
  return presentOrder(credentials, now).find((other) => other.uid !== uid && other.verdict !== 'REJECTED');
}
