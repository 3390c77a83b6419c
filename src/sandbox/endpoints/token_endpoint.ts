import { randomUUID } from 'node:crypto';
import { EntraError, entraError, errorBody } from '../errors/entra_error.ts';
import type { SandboxRequest } from '../http/http_request.ts';
import { type HttpResponse, json } from '../http/http_response.ts';
import { findAuthority } from '../state/directory.ts';
import { appPolicy } from '../state/matching_policies.ts';
import { isPersonal } from '../state/personal_account.ts';
import { openRefreshToken } from '../state/refresh_token.ts';
import type { RequestRecord } from '../state/request_log.ts';
import type { SandboxState } from '../state/state.ts';
import { authenticateClient, credentialOf, readClient } from './client_authentication.ts';
import { clientCredentials } from './client_credentials.ts';
import { checkApp } from './eligibility.ts';
import { takesPersonalAccounts } from './personal_account.ts';
import { redeemCode } from './redeem_code.ts';
import { redeemRefreshToken } from './redeem_refresh_token.ts';
import { firstResource } from './requested_scopes.ts';
import type { TokenRequest } from './token_request.ts';

/** Notes what the request says about itself, before anything is checked: faults are chosen by it. */
export function peekTokenRequest(
  world: SandboxState,
  segment: string,
  request: SandboxRequest,
  record: RequestRecord,
): void {
  const form = new URLSearchParams(request.body);
  record.directory = segment;
  record.grant = form.get('grant_type') ?? undefined;
  record.clientId = form.get('client_id') ?? undefined;
  record.correlationId = header(request, 'client-request-id') ?? form.get('client-request-id') ?? undefined;
  const refreshGrant = openRefreshToken(form.get('refresh_token') ?? '');
  const codeGrant = world.codes.find(form.get('code') ?? '');
  record.presentedRefreshTokenId = refreshGrant?.id;
  record.userObjectId = refreshGrant?.userObjectId ?? codeGrant?.userObjectId;
  record.username = record.userObjectId === undefined ? undefined : world.users.find(record.userObjectId)?.username;
  const granted = refreshGrant?.directoryId ?? codeGrant?.directoryId;
  record.directoryId = findAuthority(world.directories, segment)?.directory?.id ?? granted;
  record.scope = form.get('scope') ?? undefined;
  record.resource = firstResource(
    world.resources,
    record.scope ?? codeGrant?.scope ?? refreshGrant?.scopes.join(' ') ?? '',
  );
  record.hasClaims = (form.get('claims') ?? '') !== '';
  record.credential = credentialOf(world, form, header(request, 'authorization'));
}

/** `POST /{directory}/oauth2/v2.0/token`. */
export async function answerToken(
  world: SandboxState,
  segment: string,
  request: SandboxRequest,
  record: RequestRecord,
): Promise<HttpResponse> {
  const correlationId = record.correlationId ?? randomUUID();
  const headers = entraHeaders(request, correlationId);
  try {
    const body = await grantTokens(world, segment, request, record);
    record.outcome = 'ok';
    return json(200, body, headers);
  } catch (error) {
    if (!(error instanceof EntraError)) throw error;
    record.outcome = String(error.code);
    return json(error.status, errorBody(error, world.clock.now(), correlationId), headers);
  }
}

export function entraHeaders(request: SandboxRequest, correlationId: string): Record<string, string> {
  const echoes = header(request, 'return-client-request-id') === 'true';
  const origin = header(request, 'origin');
  return {
    'x-ms-request-id': randomUUID(),
    'x-ms-ests-server': '2.1.0 - SANDBOX',
    p3p: 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    ...(echoes ? { 'client-request-id': correlationId } : {}),
    ...(origin === undefined ? {} : { 'access-control-allow-origin': origin }),
  };
}

async function grantTokens(
  world: SandboxState,
  segment: string,
  request: SandboxRequest,
  record: RequestRecord,
): Promise<Record<string, unknown>> {
  if (request.method !== 'POST') throw entraError(900561, { method: request.method });
  const form = new URLSearchParams(request.body);
  const grant = form.get('grant_type');
  if (grant === null) throw entraError(900144, { parameter: 'grant_type' });
  const authority = findAuthority(world.directories, segment);
  if (authority === undefined) throw entraError(90002, { directory: segment });
  const client = readClient(form, header(request, 'authorization'));
  if (client.clientId === undefined || client.clientId === '') throw entraError(900144, { parameter: 'client_id' });
  const app = world.apps.find(client.clientId);
  const isAtConsumers = authority.directory !== undefined && isPersonal(authority.directory.id);
  if (isAtConsumers && app !== undefined && !takesPersonalAccounts(app)) throw entraError(70002);
  checkApp(app, client.clientId, authority);
  record.clientId = app.clientId;
  const policy = appPolicy(world.directories.find(record.directoryId ?? ''), app.clientId);
  if (policy !== undefined) throw policy.error;

  const parts: TokenRequest = { app, authority, form, record };
  const isOfSinglePage = redeemsSinglePage(world, parts);
  const isCrossOrigin = header(request, 'origin') !== undefined;
  if (isOfSinglePage === true && !isCrossOrigin) throw entraError(9002327);
  if (isOfSinglePage === false && isCrossOrigin) throw entraError(9002326);
  const needsProof = isOfSinglePage !== true;
  const origin = `http://${header(request, 'host') ?? ''}`;
  await authenticateClient(world, app, client, { authority, grant, origin, needsProof });
  if (grant === 'authorization_code') return redeemCode(world, parts);
  if (grant === 'refresh_token') return redeemRefreshToken(world, parts);
  if (grant === 'client_credentials') return clientCredentials(world, parts);
  throw entraError(70003, { grant });
}

/**
 * What was granted through the redirect URI of a single-page app is redeemed by a page of another origin, without a credential.
 * Undefined: there is no such grant. https://learn.microsoft.com/entra/identity-platform/refresh-tokens
 */
function redeemsSinglePage(world: SandboxState, { app, form }: TokenRequest): boolean | undefined {
  const code = world.codes.find(form.get('code') ?? '');
  if (code !== undefined) return app.spaRedirectUris.includes(code.redirectUri);
  const grant = openRefreshToken(form.get('refresh_token') ?? '');
  return grant && grant.fixedEndTime !== undefined;
}

function header(request: SandboxRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
