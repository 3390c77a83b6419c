import type { AdminConsent } from '../model/admin_consent_request.ts';
import { appName } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import { GUID } from '../model/id_patterns.ts';
import type { Tenant } from '../model/tenant.ts';
import { type AuthorizationErrorResponse, authorizationErrorOf } from './authorization_response.ts';
import { type CallbackOutcome, createBrowserCallback } from './browser_callback_flow.ts';
import { checkDirectory } from './check_directory_allowed.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { mayBeConsentState } from './create_admin_consent_and_state.ts';
import { activeParties, findParties, type Parties } from './find_tenant_app_and_connection.ts';
import { productOf } from './product_shown_on_page.ts';
import { proveConsent } from './verify_admin_consent.ts';

/** `granted`: `admin_consent=True`. The directory as it was sent: anybody can send any. */
export type AdminConsentAnswer =
  | { readonly granted: true; readonly directoryId: string | undefined }
  | AuthorizationErrorResponse;

interface FoundAdminConsent {
  readonly consent: AdminConsent;
  readonly tenant: Tenant;
  readonly app: App;
  readonly answer: AdminConsentAnswer;
}

/** The callback for administrators. The answer is unauthenticated, so nothing follows from it but another request to Entra. */
export function createAdminConsentCallback(parts: ConnectParts) {
  const { stores, clock, metrics, authorizationServer } = parts;
  return createBrowserCallback<AdminConsentAnswer>(parts, {
    method: 'web/admin-consent',
    parameter: 'app',
    count: (outcome) => metrics?.adminConsentEnded(outcome),
    mayBeState: mayBeConsentState,
    async findConsent({ answer, trace }, stateHash) {
      const used = await stores.adminConsents.useState(stateHash, clock.now());
      if (used.kind === 'unknown') return undefined;
      const { consent } = used;
      const parties = await findParties(stores, consent);
      const { tenant, app } = parties;
      if (tenant === undefined || app === undefined) return undefined;
      const resource = appName(app);
      if (trace !== undefined) trace.resource = resource;
      const found = { consent, tenant, app, answer };
      return {
        resource,
        returnUrl: consent.returnUrl,
        product: productOf(tenant, app),
        handle: used.kind === 'used' ? undefined : () => acceptConsent(parts, parties, found),
        firstOutcome: () => firstOutcome(authorizationServer, found),
      };
    },
  });
}

/** The only effect of a consent: the vault sends requests again for a directory where Entra refused the app before. */
async function acceptConsent(parts: ConnectParts, parties: Parties, found: FoundAdminConsent): Promise<object> {
  const { stores, authorizationServer, changes, pause } = parts;
  const { consent, app } = found;
  const { tenant } = activeParties(parties);
  const directoryId = answeredDirectory(authorizationServer, found);
  checkNotContained(parts, { tenant, app, directoryId });
  await proveConsent({ authorizationServer, pause }, app, directoryId);
  await stores.apps.recordFailingDirectory(app.uid, directoryId, undefined);
  authorizationServer.forget(app.uid);
  changes.announce({ kind: 'app', uid: app.uid });
  // Only a proven consent closes the link: anybody can send an error, and Entra sends users who may not approve back as if they had declined.
  await stores.adminConsents.grant(consent);
  return {};
}

/** It becomes part of the URL that receives the app's credential, so only a GUID is accepted. */
function answeredDirectory(
  server: ConnectParts['authorizationServer'],
  { consent: { directoryId: named }, tenant, app, answer }: FoundAdminConsent,
): string {
  if ('error' in answer) throw authorizationErrorOf(server, answer, appName(app));
  const directoryId = answer.directoryId?.toLowerCase() ?? '';
  if (!GUID.test(directoryId) || (named !== undefined && named !== directoryId)) {
    throw new VaultError(
      'DIRECTORY_NOT_ALLOWED',
      'The consent is for another directory than the requested one. Sign in with an account of the requested directory.',
      { metadata: { directoryId } },
    );
  }
  checkDirectory(tenant, directoryId);
  return directoryId;
}

/** Entra is not probed again for one answer: without a stored grant, whether the administrator agreed could not be checked. */
function firstOutcome(
  server: ConnectParts['authorizationServer'],
  found: FoundAdminConsent,
): CallbackOutcome['outcome'] {
  if (found.consent.state === 'GRANTED') return 'GRANTED';
  try {
    answeredDirectory(server, found);
    return 'ENTRA_UNAVAILABLE';
  } catch (error) {
    if (isVaultError(error)) return error.reason;
    throw error;
  }
}
