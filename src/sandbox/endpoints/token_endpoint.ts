import { randomUUID } from 'node:crypto';
import type { EndpointCall } from '../endpoint_call.ts';
import { EntraError, entraError, errorBody } from '../errors/entra_error.ts';
import type { SandboxRequest } from '../http/http_request.ts';
import { type HttpResponse, json } from '../http/http_response.ts';
import { findAuthority, isPersonal } from '../state/entra_directories.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { openRefreshToken } from '../state/sealed_refresh_token.ts';
import { appPolicy } from '../state/token_refusal_policy.ts';
import { authenticateClient, credentialOf, readClient } from './authenticate_client.ts';
import { checkApp } from './check_sign_in_allowed.ts';
import { clientCredentials } from './client_credentials_grant.ts';
import type { TokenRequest } from './issue_user_tokens.ts';
import { firstResource } from './parse_requested_scopes.ts';
import { acceptsPersonalAccounts } from './personal_account_rules.ts';
import { redeemCode } from './redeem_authorization_code.ts';
import { redeemRefreshToken } from './redeem_refresh_token.ts';

export function peekTokenRequest({ state, segment, request, record }: EndpointCall): void {
  const form = new URLSearchParams(request.body);
  record.directory = segment;
  record.grant = form.get('grant_type') ?? undefined;
  record.clientId = form.get('client_id') ?? undefined;
  record.traceparent = header(request, 'traceparent');
  record.correlationId = header(request, 'client-request-id') ?? form.get('client-request-id') ?? undefined;
  const refreshGrant = openRefreshToken(form.get('refresh_token') ?? '');
  const codeGrant = state.codes.find(form.get('code') ?? '');
  const grant = refreshGrant ?? codeGrant;
  record.presentedRefreshTokenId = refreshGrant?.id;
  record.userObjectId = grant?.userObjectId;
  record.username = grant && state.users.find(grant.userObjectId)?.username;
  record.directoryId = findAuthority(state.directories, segment)?.directory?.id ?? grant?.directoryId;
  record.scope = form.get('scope') ?? undefined;
  const scope = record.scope ?? codeGrant?.scope ?? refreshGrant?.scopes.join(' ') ?? '';
  record.resource = firstResource(state.resources, scope);
  record.hasClaims = (form.get('claims') ?? '') !== '';
  record.credential = credentialOf(state, form, header(request, 'authorization'));
}

/** `POST /{directory}/oauth2/v2.0/token`. */
export async function answerToken(call: EndpointCall): Promise<HttpResponse> {
  const { state, request, record } = call;
  const correlationId = record.correlationId ?? randomUUID();
  const headers = entraHeaders(request, correlationId);
  try {
    const body = await grantTokens(call);
    record.outcome = 'ok';
    return json(200, body, headers);
  } catch (error) {
    if (!(error instanceof EntraError)) throw error;
    record.outcome = String(error.code);
    return json(error.status, errorBody(error, state.clock.now(), correlationId), headers);
  }
}

function entraHeaders(request: SandboxRequest, correlationId: string): Record<string, string> {
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

async function grantTokens({ state, segment, request, record }: EndpointCall): Promise<Record<string, unknown>> {
  if (request.method !== 'POST') throw entraError(900561, { method: request.method });
  const form = new URLSearchParams(request.body);
  const grant = form.get('grant_type');
  if (grant === null) throw entraError(900144, { parameter: 'grant_type' });
  const authority = findAuthority(state.directories, segment);
  if (authority === undefined) throw entraError(90002, { directory: segment });
  const client = readClient(form, header(request, 'authorization'));
  if (client.clientId === undefined || client.clientId === '') throw entraError(900144, { parameter: 'client_id' });
  const app = state.apps.find(client.clientId);
  const isAtConsumers = isPersonal(authority.directory?.id);
  if (isAtConsumers && app !== undefined && !acceptsPersonalAccounts(app)) throw entraError(70002);
  checkApp(app, client.clientId, authority);
  record.clientId = app.clientId;
  const policy = appPolicy(state.directories.find(record.directoryId ?? ''), app.clientId);
  if (policy !== undefined) throw policy.error;

  const tokenRequest: TokenRequest = { app, authority, form, record };
  const isSpa = isSpaGrant(state, tokenRequest);
  const isCrossOrigin = header(request, 'origin') !== undefined;
  if (isSpa === true && !isCrossOrigin) throw entraError(9002327);
  if (isSpa === false && isCrossOrigin) throw entraError(9002326);
  const origin = `http://${header(request, 'host') ?? ''}`;
  await authenticateClient(state, app, client, { authority, grant, origin, isOptional: isSpa === true });
  if (grant === 'authorization_code') return redeemCode(state, tokenRequest);
  if (grant === 'refresh_token') return redeemRefreshToken(state, tokenRequest);
  if (grant === 'client_credentials') return clientCredentials(state, tokenRequest);
  throw entraError(70003, { grant });
}

/**
 * Grants of a single-page app's redirect URI are redeemed from another origin, without a credential.
 * Undefined: no grant is presented. https://learn.microsoft.com/entra/identity-platform/refresh-tokens
 */
function isSpaGrant(state: SandboxState, { app, form }: TokenRequest): boolean | undefined {
  const code = state.codes.find(form.get('code') ?? '');
  if (code !== undefined) return app.spaRedirectUris.includes(code.redirectUri);
  const grant = openRefreshToken(form.get('refresh_token') ?? '');
  return grant && grant.fixedEndTime !== undefined;
}

function header(request: SandboxRequest, name: string): string | undefined {
  return [request.headers[name]].flat()[0];
}
