import type { AdminConsent } from '../model/admin_consent_request.ts';
import type { Timestamp } from '../model/clock.ts';
import { appName, type Connection, connectionName } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { adminConsentLinkOf } from './admin_consent_link_of_authorization.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { mintConsentState } from './create_admin_consent_and_state.ts';
import { mintAttempt } from './create_authorization_attempt.ts';
import { activeParties, checkNotSuspended, findParties, type Parties } from './find_tenant_app_and_connection.ts';
import { likelyAdminConsents } from './likely_admin_consent.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import type { PageTrace } from './page_trace.ts';
import { type Product, productOf } from './product_shown_on_page.ts';
import { stateInvalid } from './state_invalid.ts';
import { catalogOf, OIDC_SCOPES } from './translate_requested_scopes.ts';

/** A link's page, before its button is pressed. */
export interface LinkDescription {
  readonly product: Product;
  /** The requested scopes, described or by name, without those that another one covers. Empty: all that the registration lists. */
  readonly scopes: readonly string[];
  /** What the app always requests in addition, in the same form. */
  readonly implicit: readonly string[];
  readonly expireTime: Timestamp;
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

interface OpenLink<Consent> {
  readonly consent: Consent;
  readonly tenant: Tenant;
  readonly app: App;
}

interface AuthorizationLink extends OpenLink<Authorization> {
  readonly connection: Connection;
}

export function createAuthorizationLink(parts: ConnectParts): ConsentLink {
  const { authorizations, connections } = parts.stores;

  async function find(handleHash: string, trace: PageTrace | undefined): Promise<AuthorizationLink> {
    const consent = checkOpen(parts, await authorizations.findByHandle(handleHash));
    const connection = await connections.findByUid(consent.connectionUid);
    if (connection === undefined) throw stateInvalid('link');
    if (trace !== undefined) trace.resource = connectionName(connection);
    checkNotSuspended(connection);
    const { tenantId } = connection;
    const parties = await findParties(parts.stores, { tenantId, appUid: consent.appUid });
    return { ...notContained(parts, consent, parties), connection };
  }

  return createLink(parts, {
    find,
    async open({ consent, app }) {
      const { attempt, stateHash, authorizationUri } = mintAttempt(parts, app, consent, parts.clock.now());
      await authorizations.addAttempt(attempt, stateHash);
      return authorizationUri;
    },
    async approval({ consent: authorization, ...link }, handle) {
      if (likelyAdminConsents(parts.scopes, { ...link, authorization }).length === 0) return undefined;
      return { adminConsentUri: await adminConsentLinkOf(parts, handle) };
    },
  });
}

export function createAdminConsentLink(parts: ConnectParts): ConsentLink {
  const { adminConsents } = parts.stores;

  async function find(handleHash: string, trace: PageTrace | undefined): Promise<OpenLink<AdminConsent>> {
    const consent = checkOpen(parts, await adminConsents.findByHandle(handleHash));
    const parties = await findParties(parts.stores, consent);
    const { tenantId, app } = parties;
    if (trace !== undefined) trace.resource = app === undefined ? `tenants/${tenantId}` : appName(app);
    return notContained(parts, consent, parties);
  }

  return createLink(parts, {
    find,
    async open({ consent, app }) {
      const { minted, adminConsentUri } = mintConsentState(parts, app, consent, parts.clock.now());
      await adminConsents.renewState(consent.uid, minted);
      return adminConsentUri;
    },
    approval: async () => undefined,
  });
}

interface LinkFlow<Link> {
  find(handleHash: string, trace: PageTrace | undefined): Promise<Link>;
  open(link: Link): Promise<string>;
  approval(link: Link, handle: string): Promise<Approval | undefined>;
}

function createLink<Link extends OpenLink<Pick<Authorization | AdminConsent, 'productScopes' | 'expireTime'>>>(
  { scopes }: Pick<ConnectParts, 'scopes'>,
  { find, open, approval }: LinkFlow<Link>,
): ConsentLink {
  const findLink = async (handle: string, trace: PageTrace | undefined) => {
    if (!isOneTimeToken(handle)) throw stateInvalid('link');
    return find(hashOneTimeToken(handle), trace);
  };
  return {
    async describe(handle, trace) {
      const link = await findLink(handle, trace);
      const { consent, tenant, app } = link;
      const { productScopes, expireTime } = consent;
      const implicit = [...app.implicitPermissions, ...OIDC_SCOPES];
      const described = scopes.consentTexts(catalogOf(tenant, app), { scopes: productScopes, implicit });
      return { product: productOf(tenant, app), ...described, expireTime, approval: await approval(link, handle) };
    },
    open: async (handle, trace) => open(await findLink(handle, trace)),
  };
}

/** TENANT_SUSPENDED, APP_SUSPENDED, CONTAINED. */
function notContained<Consent extends Pick<Authorization | AdminConsent, 'directoryId'>>(
  parts: ConnectParts,
  consent: Consent,
  parties: Parties,
): OpenLink<Consent> {
  const found = activeParties(parties);
  checkNotContained(parts, { ...found, directoryId: consent.directoryId });
  return { consent, ...found };
}

function checkOpen<Consent extends Pick<Authorization | AdminConsent, 'state' | 'expireTime'>>(
  { clock }: ConnectParts,
  consent: Consent | undefined,
): Consent {
  if (consent?.state !== 'OPEN' || consent.expireTime <= clock.now()) throw stateInvalid('link');
  return consent;
}
