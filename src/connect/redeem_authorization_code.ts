import { type Connection, connectionName } from '../model/connection.ts';
import type { Grant } from '../model/connection_grant.ts';
import type { ResourceIssue } from '../model/connection_resource_issue.ts';
import { issueAfter } from '../model/connection_resource_issue_after_refusal.ts';
import type { App } from '../model/entra_app.ts';
import { VaultError } from '../model/errors.ts';
import { isPersonal } from '../model/personal_account_refusal.ts';
import type { Secret } from '../model/secret.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Outcome } from '../model/token_request_outcome.ts';
import type { Authorization, AuthorizationAttempt } from '../model/user_authorization.ts';
import { checkSameAccount } from './check_connection_account.ts';
import { checkDirectory } from './check_directory_allowed.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import {
  admitted,
  type FirstGranted,
  firstResource,
  type GrantRequest,
  redeemFurtherResources,
  redeemRefreshToken,
} from './redeem_refresh_token_per_resource.ts';
import { declined, isAboutTheGrant, signInError } from './sign_in_and_import_errors.ts';
import { fullForm } from './translate_requested_scopes.ts';

type Server = ConnectParts['authorizationServer'];

export interface CodeRedemption {
  readonly tenant: Tenant;
  readonly app: App;
  readonly connection: Connection;
  readonly authorization: Authorization;
  readonly attempt: AuthorizationAttempt;
  readonly code: Secret;
}

/** From a code to a complete grant: redeem the code, check the account, prove the refresh token, redeem it for further resources. */
export async function redeemGrant(
  { authorizationServer, contained, clock }: Pick<ConnectParts, 'authorizationServer' | 'contained' | 'clock'>,
  redemption: CodeRedemption,
): Promise<Grant> {
  const { tenant, app, connection, authorization } = redemption;
  const name = connectionName(connection);
  const first = checkGranted(await redeemCode(authorizationServer, redemption), name);
  const { outcome, account } = first;
  checkDirectory(tenant, account.directoryId);
  checkNotContained({ contained }, { tenant, app, directoryId: account.directoryId });
  if (!authorization.allowAccountChange) checkSameAccount(connection, account);

  const { permissions, productScopes } = authorization;
  const request: GrantRequest = { app, tenantUid: tenant.uid, priority: 'FOREGROUND', permissions };
  const refreshToken = await provePersonalGrant(authorizationServer, request, first, name);
  const resourceIssues: Record<string, ResourceIssue> = {};
  const redeemed = await redeemFurtherResources(authorizationServer, {
    ...request,
    first: { outcome, refreshToken, account },
    refused(failure, resource) {
      // A consent that has not propagated yet, or a policy for one resource, does not prevent the connection.
      if (failure.subject !== 'resource') throw signInError(failure, name);
      const before = { issue: undefined, granted: undefined, requested: permissions[resource] };
      const issue = issueAfter(failure, before, clock.now());
      // The first token request often finds the consent.
      resourceIssues[resource] = issue.state === 'CONSENT_REQUIRED' ? { ...issue, retryTime: clock.now() } : issue;
    },
  });
  return { ...redeemed, account, productScopes, resourceIssues };
}

/** Redeems the code at the authority that issued it; the response has an access token for one resource only. */
function redeemCode(server: Server, { tenant, app, authorization, attempt, code }: CodeRedemption): Promise<Outcome> {
  const { directoryId, redirectUri, permissions } = authorization;
  const { codeVerifier, nonce } = attempt;
  const resource = firstResource(permissions);
  const scopes = fullForm(permissions, resource);
  const requester = { connectionUid: undefined, weight: 'CREDENTIAL' } as const;
  const admission = { app, directoryId, tenantUid: tenant.uid, priority: 'FOREGROUND', requester } as const;
  return admitted(server, admission, (admission) =>
    admission.redeemCode({ code, codeVerifier, nonce, redirectUri, resource, scopes }),
  );
}

function checkGranted(outcome: Outcome, name: string): FirstGranted {
  if (outcome.kind !== 'granted') {
    const isDeclined = /AADSTS65004\b/.test(outcome.entraError ?? '');
    throw isDeclined ? declined(outcome, name) : signInError(outcome, name);
  }
  const { account, refreshToken } = outcome;
  const details = { metadata: { resource: name } };
  if (refreshToken === undefined) {
    throw new VaultError(
      'NO_REFRESH_TOKEN',
      `Entra sent no refresh token for ${name}. Check that the app registration may request offline_access.`,
      details,
    );
  }
  if (account !== undefined) return { outcome, account, refreshToken };
  throw new VaultError(
    'REAUTHORIZATION_REQUIRED',
    `Entra did not return the account of ${name}. Start the authorization again.`,
    details,
  );
}

/**
 * The refresh token of a personal account is issued at one Entra address and redeemed at another. It is redeemed once while the user is
 * present to sign in again: https://github.com/Softeria/ms-365-mcp-server/issues/522. Any other failure proves nothing.
 */
async function provePersonalGrant(
  server: Server,
  request: GrantRequest,
  { refreshToken, account }: FirstGranted,
  name: string,
): Promise<Secret> {
  if (!isPersonal(account)) return refreshToken;
  const { directoryId } = account;
  const resource = firstResource(request.permissions);
  const outcome = await redeemRefreshToken(server, { ...request, directoryId, refreshToken, resource });
  if (outcome.kind === 'granted') return outcome.refreshToken ?? refreshToken;
  if (outcome.subject === 'connection' && isAboutTheGrant(outcome)) throw signInError(outcome, name);
  return refreshToken;
}
