import type { Admission, AdmissionRequest } from '../entra/entra_client_interface.ts';
import type { Account, PermissionsByResource } from '../model/connection.ts';
import type { Grant } from '../model/connection_grant.ts';
import { scopesOf } from '../model/microsoft_resource_uri.ts';
import { asMissingConsent, isUnclearForPersonal } from '../model/personal_account_refusal.ts';
import type { Secret } from '../model/secret.ts';
import type { Failure, Granted, Outcome } from '../model/token_request_outcome.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { fullForm, withoutOidcScopes } from './translate_requested_scopes.ts';

type Server = Pick<ConnectParts['authorizationServer'], 'admit'>;

/** For which app, tenant and permissions a grant is redeemed. */
export type GrantRequest = Pick<AdmissionRequest, 'app' | 'tenantUid' | 'priority'> & {
  readonly permissions: PermissionsByResource;
};

/** If permissions lack consent (65001), redeems again for all that is consented: a wider permission may cover what is needed. */
export function redeemRefreshToken(
  server: Server,
  request: GrantRequest & {
    readonly directoryId: string | undefined;
    readonly refreshToken: Secret;
    readonly resource: string;
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

/** The grant of the first resource. */
export interface FirstGranted {
  readonly outcome: Granted;
  readonly refreshToken: Secret;
  readonly account: Account;
}

/**
 * A consent may span resources, a token never does: only a redemption for each further resource shows what is granted there. Each response
 * may rotate the refresh token; the newest is kept. `refused` throws, or returns to continue without the resource.
 */
export async function redeemFurtherResources(
  server: Server,
  request: GrantRequest & {
    readonly first: FirstGranted;
    readonly refused: (failure: Failure, resource: string) => void;
  },
): Promise<Pick<Grant, 'refreshToken' | 'granted'>> {
  const { permissions, first, refused } = request;
  const { account } = first;
  const done = firstResource(permissions);
  let { refreshToken } = first;
  const granted: Record<string, readonly string[]> = {
    [done]: withoutOidcScopes(first.outcome.accessToken.permissions),
  };
  for (const resource of Object.keys(permissions).filter((one) => one !== done)) {
    const { directoryId } = account;
    const outcome = await redeemRefreshToken(server, { ...request, directoryId, refreshToken, resource });
    if (outcome.kind === 'granted') {
      refreshToken = outcome.refreshToken ?? refreshToken;
      granted[resource] = withoutOidcScopes(outcome.accessToken.permissions);
    } else refused(isUnclearForPersonal(account, outcome) ? asMissingConsent(outcome) : outcome, resource);
  }
  return { refreshToken, granted };
}

/** `requestedScopes` never returns permissions without a resource. */
export function firstResource(permissions: PermissionsByResource): string {
  const [resource] = Object.keys(permissions);
  if (resource === undefined) throw new Error('no resource is requested');
  return resource;
}

export async function admitted(
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
