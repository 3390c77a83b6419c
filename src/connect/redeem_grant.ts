import type { App } from '../model/app.ts';
import type { Authorization, AuthorizationAttempt } from '../model/authorization.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';
import type { Grant } from '../model/grant.ts';
import type { ResourceIssue } from '../model/resource_issue.ts';
import { issueAfter } from '../model/resource_refusal.ts';
import type { Secret } from '../model/secret.ts';
import type { Tenant } from '../model/tenant.ts';
import { checkDirectory, checkSameAccount } from './account_check.ts';
import { declined } from './authorization_error_response.ts';
import type { ConnectParts } from './connect_parts.ts';
import { provePersonalGrant } from './personal_grant.ts';
import { learnFurther, redeemCode } from './redeem_code.ts';
import { codeRefused } from './redeem_errors.ts';

export interface CodeInHand {
  readonly tenant: Tenant;
  readonly app: App;
  readonly connection: Connection;
  readonly authorization: Authorization;
  readonly attempt: AuthorizationAttempt;
  readonly code: Secret;
}

/** From a code to a whole grant: the account checked, and what was granted learned of every resource. */
export async function redeemGrant(
  { authorizationServer, clock }: Pick<ConnectParts, 'authorizationServer' | 'clock'>,
  { tenant, app, connection, authorization, attempt, code }: CodeInHand,
): Promise<Grant> {
  const name = connectionName(connection);
  const { directoryId, redirectUri, permissions } = authorization;
  const tenantUid = tenant.uid;
  const asked = { app, directoryId, tenantUid, attempt, redirectUri, permissions, code };
  const outcome = await redeemCode(authorizationServer, asked);
  if (outcome.kind !== 'granted')
    throw isDeclined(outcome) ? declined(name, outcome.entraError) : codeRefused(outcome, name);
  const { account, refreshToken } = outcome;
  if (refreshToken === undefined) {
    throw new VaultError(
      'NO_REFRESH_TOKEN',
      `Entra sent no refresh token for ${name}, so nothing would last; check that the app registration may ask for offline_access`,
      { metadata: { resource: name } },
    );
  }
  if (account === undefined) {
    throw new VaultError(
      'REAUTHORIZATION_REQUIRED',
      `Entra did not say whose account ${name} is; start the authorization again`,
      {
        metadata: { resource: name },
      },
    );
  }
  checkDirectory(tenant, account.directoryId);
  if (!authorization.allowAccountChange) checkSameAccount(connection, account);
  const resourceIssues: Record<string, ResourceIssue> = {};
  const request = { app, tenantUid, priority: 'FOREGROUND', permissions } as const;
  const proven = await provePersonalGrant(authorizationServer, request, { outcome, refreshToken, account });
  if ('stillborn' in proven) throw codeRefused(proven.stillborn, name);
  const learned = await learnFurther(authorizationServer, {
    ...request,
    first: { outcome, refreshToken: proven.refreshToken, account },
    refused(failure, resource) {
      // A consent that has not spread yet, or a policy for one resource, is no reason to connect nothing.
      if (failure.subject !== 'resource') throw codeRefused(failure, name);
      const now = clock.now();
      const issue = issueAfter(
        failure,
        { issue: undefined, granted: undefined, requested: permissions[resource] },
        now,
      );
      // Consent is often found by the first request for a token.
      resourceIssues[resource] = issue.state === 'CONSENT_REQUIRED' ? { ...issue, retryTime: now } : issue;
    },
  });
  return { ...learned, account, productScopes: authorization.productScopes, resourceIssues };
}

function isDeclined({ entraError = '' }: Failure): boolean {
  return /AADSTS65004\b/.test(entraError);
}
