import type { AdminConsent } from '../model/admin_consent_request.ts';
import { appName, type Connection, connectionName } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { activeParties, checkNotSuspended, findParties, type Parties } from './find_tenant_app_and_connection.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import type { PageTrace } from './page_trace.ts';
import { stateInvalid } from './state_invalid.ts';

/** What the handle of a link leads to, as long as the link is valid. */
export interface OpenLink<Consent> {
  readonly consent: Consent;
  readonly tenant: Tenant;
  readonly app: App;
}

export interface AuthorizationLink extends OpenLink<Authorization> {
  readonly connection: Connection;
}

/** STATE_INVALID, TENANT_SUSPENDED, APP_SUSPENDED, CONNECTION_SUSPENDED, CONTAINED. */
export async function findAuthorizationLink(
  parts: ConnectParts,
  handle: string,
  trace: PageTrace | undefined,
): Promise<AuthorizationLink> {
  const { authorizations, connections } = parts.stores;
  const consent = await authorizations.findByHandle(hashOf(handle));
  const connection = consent && (await connections.findByUid(consent.connectionUid));
  if (consent === undefined || connection === undefined) throw stateInvalid('link');
  if (trace !== undefined) trace.resource = connectionName(connection);
  checkOpen(parts, consent);
  checkNotSuspended(connection);
  const { tenantId } = connection;
  const parties = await findParties(parts.stores, { tenantId, appUid: consent.appUid });
  return { ...notContained(parts, consent, parties), connection };
}

/** STATE_INVALID, TENANT_SUSPENDED, APP_SUSPENDED, CONTAINED. */
export async function findAdminConsentLink(
  parts: ConnectParts,
  handle: string,
  trace: PageTrace | undefined,
): Promise<OpenLink<AdminConsent>> {
  const consent = await parts.stores.adminConsents.findByHandle(hashOf(handle));
  if (consent === undefined) throw stateInvalid('link');
  const parties = await findParties(parts.stores, consent);
  const { tenantId, app } = parties;
  if (trace !== undefined) trace.resource = app === undefined ? `tenants/${tenantId}` : appName(app);
  checkOpen(parts, consent);
  return notContained(parts, consent, parties);
}

function hashOf(handle: string): string {
  if (!isOneTimeToken(handle)) throw stateInvalid('link');
  return hashOneTimeToken(handle);
}

function checkOpen(
  { clock }: ConnectParts,
  { state, expireTime }: Pick<Authorization | AdminConsent, 'state' | 'expireTime'>,
): void {
  if (state !== 'OPEN' || expireTime <= clock.now()) throw stateInvalid('link');
}

function notContained<Consent extends Pick<Authorization | AdminConsent, 'directoryId'>>(
  parts: ConnectParts,
  consent: Consent,
  parties: Parties,
): OpenLink<Consent> {
  const found = activeParties(parties);
  checkNotContained(parts, { ...found, directoryId: consent.directoryId });
  return { consent, ...found };
}
