import { connectionName } from '../model/connection.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { adminConsentLinkOf, mayWantAdminConsent, newAdminConsentLink } from './admin_consent_link_of_authorization.ts';
import type { AuthorizationResponse } from './authorization_response.ts';
import { type CallbackOutcome, createBrowserCallback } from './browser_callback_flow.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { findParties, isActive } from './find_tenant_app_and_connection.ts';
import { handleAuthorizationResponse } from './handle_authorization_response.ts';
import { likelyAdminConsents } from './likely_admin_consent.ts';
import { isOneTimeToken } from './one_time_token.ts';
import { productOf } from './product_shown_on_page.ts';

/** The callback for users who sign in. */
export function createAuthorizationCallback(parts: ConnectParts) {
  const { stores, scopes, clock, metrics } = parts;
  return createBrowserCallback<AuthorizationResponse>(parts, {
    method: 'web/callback',
    parameter: 'connection',
    count: (outcome) => metrics?.authorizationEnded(outcome),
    mayBeState: isOneTimeToken,
    async findConsent({ state, answer, trace }, stateHash) {
      const used = await stores.authorizations.useState(stateHash, clock.now());
      if (used.kind === 'unknown' || used.authorization.completion === 'CALLER') return undefined;
      const { authorization } = used;
      const connection = await stores.connections.findByUid(authorization.connectionUid);
      if (connection === undefined) return undefined;
      const resource = connectionName(connection);
      if (trace !== undefined) trace.resource = resource;
      const { tenantId } = connection;
      const parties = await findParties(stores, { tenantId, appUid: authorization.appUid });
      const { tenant, app } = parties;
      return {
        resource,
        returnUrl: authorization.returnUrl,
        product: tenant && app && productOf(tenant, app),
        handle:
          used.kind === 'used'
            ? undefined
            : () => handleAuthorizationResponse(parts, { ...used, connection, parties, answer }),
        firstOutcome: () => firstOutcome(authorization),
        adminConsentLikely:
          tenant && app && likelyAdminConsents(scopes, { tenant, app, connection, authorization }).length > 0,
        async adminConsentUri(outcome) {
          if (!mayWantAdminConsent(outcome)) return undefined;
          if (used.kind === 'used') return adminConsentLinkOf(parts, state);
          if (!tenant || !app || !isActive(parties)) return undefined;
          const link = await newAdminConsentLink(parts, { authorization, tenant, app }, state);
          if (link !== undefined) metrics?.adminConsentStarted();
          return link;
        },
      };
    },
  });
}

/**
 * Never with the confirmation. The sender of a link knows its state, which is in the address of Entra's page: a second answer with the
 * confirmation would give them somebody else's consent.
 */
function firstOutcome({ state, failure }: Authorization): CallbackOutcome['outcome'] {
  if (state === 'FAILED') return failure ?? 'INTERNAL';
  return state === 'OPEN' ? 'STATE_INVALID' : 'GRANTED';
}
