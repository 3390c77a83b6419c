import type { AdminConsent } from '../model/admin_consent_request.ts';
import { DAY, HOUR, type Timestamp } from '../model/clock.ts';
import type { App } from '../model/entra_app.ts';
import { newUid } from '../model/id_patterns.ts';
import type { Tenant } from '../model/tenant.ts';
import type { MintedState } from '../store/store_interfaces.ts';
import { type ConnectParts, callbackUri } from './connect_dependencies.ts';
import { hashOneTimeToken, isOneTimeToken, mintOneTimeToken } from './one_time_token.ts';

const LINK_LIFE = 7 * DAY;
/** An administrator reads before they approve, and may have to sign in as one first. */
const STATE_LIFE = HOUR;

export function newAdminConsent(
  { clock, publicUrl }: Pick<ConnectParts, 'clock' | 'publicUrl'>,
  tenant: Tenant,
  app: App,
  requested: Pick<AdminConsent, 'productScopes' | 'scopes' | 'directoryId' | 'returnUrl'>,
): AdminConsent {
  const now = clock.now();
  return {
    uid: newUid(),
    tenantUid: tenant.uid,
    tenantId: tenant.tenantId,
    appUid: app.uid,
    state: 'OPEN',
    ...requested,
    redirectUri: callbackUri(publicUrl),
    createTime: now,
    expireTime: now + LINK_LIFE,
  };
}

/** Distinguishes the states of this flow from those of users who sign in, at the one callback. */
const STATE_PREFIX = 'admin.';

/** `adminConsentUri`: the only place that contains the state in clear. */
export function mintConsentState(
  { authorizationServer }: Pick<ConnectParts, 'authorizationServer'>,
  app: App,
  { directoryId, redirectUri, scopes }: AdminConsent,
  now: Timestamp,
): { readonly minted: MintedState; readonly adminConsentUri: string } {
  const state = `${STATE_PREFIX}${mintOneTimeToken()}`;
  return {
    minted: { stateHash: hashOneTimeToken(state), expireTime: now + STATE_LIFE },
    adminConsentUri: authorizationServer.adminConsentUri({ app, directoryId, redirectUri, scopes, state }),
  };
}

export function isAdminConsentState(state: string): boolean {
  return state.startsWith(STATE_PREFIX);
}

/** False: no such state was ever issued, so the database is not queried. */
export function mayBeConsentState(state: string): boolean {
  return isAdminConsentState(state) && isOneTimeToken(state.slice(STATE_PREFIX.length));
}

/** An app without redirect URIs is assumed to have the vault's own callback at Entra: next_steps instructs the operator to add it. */
export function hasOwnCallback({ publicUrl }: Pick<ConnectParts, 'publicUrl'>, { redirectUris }: App): boolean {
  return redirectUris.length === 0 || redirectUris.includes(callbackUri(publicUrl));
}

/** An app for personal accounts only has no administrators. */
export function hasAdministrators({ signInAudience }: App): boolean {
  return signInAudience !== 'consumers';
}
