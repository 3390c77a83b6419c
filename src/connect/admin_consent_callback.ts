import type { AdminConsent } from '../model/admin_consent.ts';
import type { App } from '../model/app.ts';
import { appName } from '../model/connection.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import type { Tenant } from '../model/tenant.ts';
import type { UsedConsentState } from '../store/stores.ts';
import { checkDirectory } from './account_check.ts';
import { findAppByUid, findTenant } from './active_lookup.ts';
import { proveConsent } from './admin_consent_proof.ts';
import type { AdminConsentAnswer, AdminConsentOutcome } from './admin_consents.ts';
import { authorizationErrorOf } from './authorization_error_response.ts';
import type { ConnectParts } from './connect_parts.ts';
import { isDirectoryId } from './directory_id.ts';
import { createKeyedMutex } from './keyed_mutex.ts';
import { mayBeConsentState } from './new_admin_consent.ts';
import { hashOneTimeToken } from './one_time_token.ts';
import { productOf } from './product.ts';
import { withParameters } from './return_url.ts';
import { withAudit } from './with_audit.ts';

const UNKNOWN: AdminConsentOutcome = { outcome: 'STATE_INVALID', returnUrl: undefined, product: undefined };

export function createAdminConsentCallback(
  parts: ConnectParts,
): (request: AdminConsentAnswer) => Promise<AdminConsentOutcome> {
  const inTurn = createKeyedMutex<AdminConsentOutcome>();
  return async (request) => {
    if (!mayBeConsentState(request.state)) return UNKNOWN;
    const hash = hashOneTimeToken(request.state);
    return inTurn(hash, () => receive(parts, request, hash));
  };
}

async function receive(
  parts: ConnectParts,
  { answer, requestId, trace }: AdminConsentAnswer,
  stateHash: string,
): Promise<AdminConsentOutcome> {
  const started = parts.clock.now();
  let known: Known | undefined;
  try {
    known = await lookUp(parts, stateHash);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { ...UNKNOWN, outcome: error.reason };
  }
  if (known === undefined) return UNKNOWN;
  if (trace !== undefined) trace.resource = appName(known.app);
  if (known.kind === 'used') return outcomeOf(known, outcomeAgain(parts.authorizationServer, known, answer));

  const { consent, app } = known;
  const count = (outcome: AdminConsentOutcome['outcome']) => parts.metrics?.adminConsentEnded(outcome);
  const audit = { started, requestId, method: 'web/admin-consent', resource: appName(app), trace, count } as const;
  const { outcome } = await withAudit(parts, audit, () => believe(parts, consent, answer));
  return outcomeOf(known, outcome);
}

interface Known {
  readonly kind: 'fresh' | 'used';
  readonly consent: AdminConsent;
  readonly app: App;
  readonly tenant: Tenant;
}

/** Uses the state up. Also of those who are suspended: a page may still say on whose behalf it speaks. */
async function lookUp({ stores, clock }: ConnectParts, stateHash: string): Promise<Known | undefined> {
  const used: UsedConsentState = await stores.adminConsents.useState(stateHash, clock.now());
  if (used.kind === 'unknown') return undefined;
  const { kind, consent } = used;
  const [tenant, app] = await Promise.all([
    stores.tenants.find(consent.tenantId),
    stores.apps.findByUid(consent.appUid),
  ]);
  return tenant && app && { kind, consent, app, tenant };
}

/** Nothing else follows from a consent than that Entra is asked again where it refused the app before. */
async function believe(
  { stores, authorizationServer, changes, pause }: ConnectParts,
  consent: AdminConsent,
  answer: AdminConsentAnswer['answer'],
): Promise<void> {
  const tenant = await findTenant(stores, consent.tenantId);
  const app = await findAppByUid(stores, tenant, consent.appUid);
  const directoryId = answeredDirectory(authorizationServer, { consent, tenant, app }, answer);
  await proveConsent({ authorizationServer, pause }, app, directoryId);
  await stores.apps.recordFailingDirectory(app.uid, directoryId, undefined);
  authorizationServer.forget(app.uid);
  changes.announce({ kind: 'app', uid: app.uid });
  // Nothing but a proven yes ends the link: an error is anybody's to send, and Entra sends back as if they had declined all who may not approve.
  await stores.adminConsents.grant(consent.uid);
}

/** It becomes a part of the address that the app's credential is sent to, so nothing but a GUID will do. */
function answeredDirectory(
  server: ConnectParts['authorizationServer'],
  { consent, tenant, app }: Pick<Known, 'consent' | 'tenant' | 'app'>,
  answer: AdminConsentAnswer['answer'],
): string {
  if ('error' in answer) throw authorizationErrorOf(server, answer, appName(app));
  const directoryId = answer.directoryId?.toLowerCase() ?? '';
  const { directoryId: named } = consent;
  if (!isDirectoryId(directoryId) || (named !== undefined && named !== directoryId)) {
    throw new VaultError('DIRECTORY_NOT_ALLOWED', 'The consent is for another directory than the requested one.', {
      metadata: { directoryId },
    });
  }
  checkDirectory(tenant, directoryId);
  return directoryId;
}

/**
 * What a repeated callback is shown: the first outcome. Where only Entra could tell, it is not asked a second time for one answer: whether the
 * administrator agreed could not be checked.
 */
function outcomeAgain(
  server: ConnectParts['authorizationServer'],
  known: Known,
  answer: AdminConsentAnswer['answer'],
): AdminConsentOutcome['outcome'] {
  if (known.consent.state === 'GRANTED') return 'GRANTED';
  try {
    answeredDirectory(server, known, answer);
    return 'ENTRA_UNAVAILABLE';
  } catch (error) {
    if (isVaultError(error)) return error.reason;
    throw error;
  }
}

function outcomeOf(
  { consent: { returnUrl }, app, tenant }: Known,
  outcome: AdminConsentOutcome['outcome'],
): AdminConsentOutcome {
  const parameters = { app: appName(app), outcome: outcome.toLowerCase() };
  return {
    outcome,
    returnUrl: returnUrl === undefined ? undefined : withParameters(returnUrl, parameters),
    product: productOf(tenant, app),
  };
}
