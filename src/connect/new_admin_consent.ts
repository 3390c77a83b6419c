import type { AdminConsent } from '../model/admin_consent.ts';
import type { App } from '../model/app.ts';
import { DAY, HOUR, type Timestamp } from '../model/clock.ts';
import { newUid } from '../model/ids.ts';
import type { Tenant } from '../model/tenant.ts';
import type { MintedState } from '../store/stores.ts';
import { ADMIN_STATE_PREFIX, isAdminConsentState } from './admin_consents.ts';
import { type ConnectParts, callbackUri } from './connect_parts.ts';
import { hashOneTimeToken, isOneTimeToken, mintOneTimeToken } from './one_time_token.ts';

const LINK_LIFE = 7 * DAY;
/** An administrator reads before they approve, and may have to sign in as one first. */
const STATE_LIFE = HOUR;

type Wish = Pick<AdminConsent, 'productScopes' | 'scopes' | 'directoryId' | 'returnUrl'>;

export function newAdminConsent(
  { clock, publicUrl }: Pick<ConnectParts, 'clock' | 'publicUrl'>,
  { tenant, app, wish }: { readonly tenant: Tenant; readonly app: App; readonly wish: Wish },
): AdminConsent {
  const now = clock.now();
  return {
    uid: newUid(),
    tenantUid: tenant.uid,
    tenantId: tenant.tenantId,
    appUid: app.uid,
    state: 'OPEN',
    ...wish,
    redirectUri: callbackUri(publicUrl),
    createTime: now,
    expireTime: now + LINK_LIFE,
  };
}

export interface MintedConsentState {
  readonly minted: MintedState;
  /** Holds the state: the only place where it stands in clear. */
  readonly adminConsentUri: string;
}

export function mintConsentState(
  { authorizationServer }: Pick<ConnectParts, 'authorizationServer'>,
  { app, consent, now }: { readonly app: App; readonly consent: AdminConsent; readonly now: Timestamp },
): MintedConsentState {
  const state = `${ADMIN_STATE_PREFIX}${mintOneTimeToken()}`;
  const { directoryId, redirectUri, scopes } = consent;
  return {
    minted: { stateHash: hashOneTimeToken(state), expireTime: now + STATE_LIFE },
    adminConsentUri: authorizationServer.adminConsentUri({ app, directoryId, redirectUri, scopes, state }),
  };
}

/** Whether it can be a state of this flow at all: what cannot is answered without asking the database. */
export function mayBeConsentState(state: string): boolean {
  return isAdminConsentState(state) && isOneTimeToken(state.slice(ADMIN_STATE_PREFIX.length));
}

/** The app can ask administrators by the vault's own callback. */
export function hasOwnCallback({ publicUrl }: Pick<ConnectParts, 'publicUrl'>, { redirectUris }: App): boolean {
  // One that names none is taken to have the vault's own at Entra (next_steps told the operator to enter it).
  return redirectUris.length === 0 || redirectUris.includes(callbackUri(publicUrl));
}

/** An app for personal accounts alone has no administrators to ask. */
export function hasAdministrators({ signInAudience }: App): boolean {
  return signInAudience !== 'consumers';
}
