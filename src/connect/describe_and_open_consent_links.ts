import type { Timestamp } from '../model/clock.ts';
import { adminConsentLinkOf } from './admin_consent_link_of_authorization.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { mintConsentState } from './create_admin_consent_and_state.ts';
import { mintAttempt } from './create_authorization_attempt.ts';
import {
  type AuthorizationLink,
  findAdminConsentLink,
  findAuthorizationLink,
  type OpenLink,
} from './find_consent_links.ts';
import { likelyAdminConsents } from './likely_admin_consent.ts';
import { maskedUsername } from './masked_accounts.ts';
import type { PageTrace } from './page_trace.ts';
import { type Product, productOf } from './product_shown_on_page.ts';
import { catalogOf, OIDC_SCOPES } from './translate_requested_scopes.ts';

/** A link's page, before its button is pressed. */
export interface LinkDescription {
  readonly product: Product;
  /** The requested scopes, described or by name, without those that another one covers. Empty: all that the registration lists. */
  readonly scopes: readonly string[];
  /** What the app always requests in addition, in the same form. */
  readonly implicit: readonly string[];
  readonly expireTime: Timestamp;
  /** For a user: the account to sign in with, masked, if it is known. */
  readonly account?: string | undefined;
  /** For a user, if an administrator probably must consent first. */
  readonly approval?: Approval | undefined;
}

export interface Approval {
  /** A link to forward to an administrator; undefined: the app cannot have one, or it was used. */
  readonly adminConsentUri: string | undefined;
}

/** `/connect/{handle}` or `/admin-consent/{handle}`. */
export interface ConsentLink {
  /** Does not use the link up. STATE_INVALID, and the suspensions. */
  describe(handle: string, trace?: PageTrace): Promise<LinkDescription>;
  /**
   * The button was pressed: mints a state and returns Entra's address. The state is minted now, so that a mail scanner's visit does not use
   * the link up. STATE_INVALID, RATE_LIMITED (100 presses), and the suspensions.
   */
  open(handle: string, trace?: PageTrace): Promise<string>;
}

export function createAuthorizationLink(parts: ConnectParts): ConsentLink {
  const { scopes, stores, clock } = parts;

  async function approvalOf(link: AuthorizationLink, handle: string): Promise<Approval | undefined> {
    if (likelyAdminConsents(scopes, { ...link, authorization: link.consent }).length === 0) return undefined;
    return { adminConsentUri: await adminConsentLinkOf(parts, handle) };
  }

  return {
    async describe(handle, trace) {
      const link = await findAuthorizationLink(parts, handle, trace);
      return { ...described(parts, link), account: expectedAccount(link), approval: await approvalOf(link, handle) };
    },
    async open(handle, trace) {
      const { consent, app } = await findAuthorizationLink(parts, handle, trace);
      const { attempt, stateHash, authorizationUri } = mintAttempt(parts, app, consent, clock.now());
      await stores.authorizations.addAttempt(attempt, stateHash);
      return authorizationUri;
    },
  };
}

export function createAdminConsentLink(parts: ConnectParts): ConsentLink {
  return {
    describe: async (handle, trace) => described(parts, await findAdminConsentLink(parts, handle, trace)),
    async open(handle, trace) {
      const { consent, app } = await findAdminConsentLink(parts, handle, trace);
      const { minted, adminConsentUri } = mintConsentState(parts, app, consent, parts.clock.now());
      await parts.stores.adminConsents.renewState(consent.uid, minted);
      return adminConsentUri;
    },
  };
}

/** The username that Entra suggests, or the one of the account that alone is accepted. */
function expectedAccount({ consent, connection }: AuthorizationLink): string | undefined {
  const username = consent.loginHint ?? (consent.allowAccountChange ? undefined : connection.account?.username);
  return username === undefined ? undefined : maskedUsername(username);
}

function described(
  { scopes }: Pick<ConnectParts, 'scopes'>,
  { consent, tenant, app }: OpenLink<Pick<AuthorizationLink['consent'], 'productScopes' | 'expireTime'>>,
): LinkDescription {
  const { productScopes, expireTime } = consent;
  const implicit = [...app.implicitPermissions, ...OIDC_SCOPES];
  const texts = scopes.consentTexts(catalogOf(tenant, app), { scopes: productScopes, implicit });
  return { product: productOf(tenant, app), ...texts, expireTime };
}
