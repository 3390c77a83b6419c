import type { Admission, AdmissionRequest } from '../entra/authorization_server.ts';
import type { App } from '../model/app.ts';
import type { AuthorizationAttempt } from '../model/authorization.ts';
import type { Account, PermissionsByResource } from '../model/connection.ts';
import type { Failure, Granted, Outcome } from '../model/exchange.ts';
import { asMissingConsent, isUnclearForPersonal } from '../model/personal_account.ts';
import { scopesOf } from '../model/resource.ts';
import type { Secret } from '../model/secret.ts';
import type { ConnectParts } from './connect_parts.ts';
import { fullForm, withoutOidcScopes } from './requested_scopes.ts';

type Server = ConnectParts['authorizationServer'];

/** The code at the authority where it was asked for; it brings the token of one resource only. */
export function redeemCode(
  server: Server,
  request: {
    readonly app: App;
    readonly directoryId: string | undefined;
    readonly tenantUid: string;
    readonly attempt: AuthorizationAttempt;
    readonly redirectUri: string;
    readonly permissions: PermissionsByResource;
    readonly code: Secret;
  },
): Promise<Outcome> {
  const { app, attempt, permissions, directoryId, tenantUid } = request;
  const resource = firstResource(permissions);
  const requester = { connectionUid: undefined, weight: 'CREDENTIAL' } as const;
  return admitted(server, { app, directoryId, tenantUid, priority: 'FOREGROUND', requester }, (admission) =>
    admission.redeemCode({
      code: request.code,
      codeVerifier: attempt.codeVerifier,
      nonce: attempt.nonce,
      redirectUri: request.redirectUri,
      resource,
      scopes: fullForm(permissions, resource),
    }),
  );
}

/**
 * Where Entra has not all of the permissions consented (65001), once more with what it has: the answer then tells what was
 * granted, which may cover what is needed under a wider permission's name.
 */
export function redeemRefreshToken(
  server: Server,
  request: {
    readonly app: App;
    readonly directoryId: string | undefined;
    readonly tenantUid: string;
    readonly priority: AdmissionRequest['priority'];
    readonly refreshToken: Secret;
    readonly resource: string;
    readonly permissions: PermissionsByResource;
  },
): Promise<Outcome> {
  const { app, directoryId, tenantUid, priority, refreshToken, resource, permissions } = request;
  return admitted(server, { app, directoryId, tenantUid, priority }, async (admission) => {
    const scopes = fullForm(permissions, resource);
    const outcome = await admission.redeemRefreshToken({ refreshToken, resource, scopes });
    if (outcome.kind !== 'consent' || outcome.reason !== 'CONSENT_REQUIRED') return outcome;
    const all = { refreshToken, resource, scopes: scopesOf(resource, undefined), retry: true };
    const second = await admission.redeemRefreshToken(all);
    // A second refusal says less than the first: it depends on what the app registration lists.
    return second.kind === 'granted' ? second : outcome;
  });
}

/** For whom, and for what, a grant is redeemed. */
export interface GrantRequest {
  readonly app: App;
  readonly tenantUid: string;
  readonly priority: AdmissionRequest['priority'];
  readonly permissions: PermissionsByResource;
}

/** What the first exchange brought, and what is still to be learned. */
export interface FirstGranted {
  readonly outcome: Granted;
  readonly refreshToken: Secret;
  readonly account: Account;
}

export interface LearnedGrant {
  readonly refreshToken: Secret;
  readonly granted: PermissionsByResource;
}

/**
 * One consent may span resources, one token never does: each further resource takes a redemption, which alone tells what was really
 * granted there. Each answer may rotate the refresh token; the newest is kept. `refused` throws, or returns to continue without the resource.
 */
export async function learnFurther(
  server: Server,
  request: GrantRequest & {
    readonly first: FirstGranted;
    readonly refused: (failure: Failure, resource: string) => void;
  },
): Promise<LearnedGrant> {
  const { app, tenantUid, priority, permissions, first, refused } = request;
  const done = firstResource(permissions);
  let refreshToken = first.refreshToken;
  const granted: Record<string, readonly string[]> = {
    [done]: withoutOidcScopes(first.outcome.accessToken.permissions),
  };
  for (const resource of Object.keys(permissions)) {
    if (resource === done) continue;
    const directoryId = first.account.directoryId;
    const outcome = await redeemRefreshToken(server, {
      app,
      directoryId,
      tenantUid,
      priority,
      refreshToken,
      resource,
      permissions,
    });
    if (outcome.kind !== 'granted') {
      refused(isUnclearForPersonal(first.account, outcome) ? asMissingConsent(outcome) : outcome, resource);
      continue;
    }
    refreshToken = outcome.refreshToken ?? refreshToken;
    granted[resource] = withoutOidcScopes(outcome.accessToken.permissions);
  }
  return { refreshToken, granted };
}

/** Every list of permissions names a resource at least (`asked`). */
export function firstResource(permissions: PermissionsByResource): string {
  const [resource] = Object.keys(permissions);
  if (resource === undefined) throw new Error('no resource is asked for');
  return resource;
}

async function admitted(
  server: Server,
  request: AdmissionRequest,
  exchange: (admission: Admission) => Promise<Outcome>,
): Promise<Outcome> {
  const admission = await server.admit(request);
  try {
    return await exchange(admission);
  } finally {
    admission.release();
  }
}
