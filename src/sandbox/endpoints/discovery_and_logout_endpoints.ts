import type { EndpointCall } from '../endpoint_call.ts';
import { entraError, errorBody } from '../errors/entra_error.ts';
import { type HttpResponse, html, json, redirect } from '../http/http_response.ts';
import { findAuthority } from '../state/entra_directories.ts';
import { SESSION_COOKIE } from './complete_sign_in.ts';
import { signedOutPage } from './html_pages.ts';

/** `GET /{directory}/v2.0/.well-known/openid-configuration`. */
export function answerDiscovery({ state, segment }: EndpointCall): HttpResponse {
  const authority = findAuthority(state.directories, segment);
  if (authority === undefined) {
    const error = entraError(90002, { directory: segment }, { error: 'invalid_tenant' });
    return json(400, errorBody(error, state.clock.now(), ''));
  }
  const base = `${state.url}/${segment}`;
  return json(200, {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: [state.signingKey.algorithm],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    // At /common and /organizations the issuer is a template, as at Entra.
    issuer: `${state.url}/${authority.directory?.id ?? '{tenantid}'}/v2.0`,
    request_uri_parameter_supported: false,
    userinfo_endpoint: `${state.url}/graph/oidc/userinfo`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    kerberos_endpoint: `${base}/kerberos`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'preferred_username', 'name', 'tid', 'ver', 'email'],
    tenant_region_scope: null,
    cloud_instance_name: 'microsoftonline.com',
    cloud_graph_host_name: 'graph.windows.net',
    msgraph_host: 'graph.microsoft.com',
    rbac_url: 'https://pas.windows.net',
  });
}

/** `GET /{directory}/discovery/v2.0/keys`. */
export function answerKeys({ state, segment }: EndpointCall): HttpResponse {
  const { directory } = findAuthority(state.directories, segment) ?? {};
  const issuer = `${state.url}/${directory?.id ?? '{tenantid}'}/v2.0`;
  return json(200, { keys: [{ ...state.signingKey.publicJwk, issuer }] });
}

/** `GET /common/discovery/instance?api-version=1.1&authorization_endpoint=…`: this cloud, under one name. */
export function answerInstances({ state }: EndpointCall): HttpResponse {
  const { host } = new URL(state.url);
  return json(200, {
    tenant_discovery_endpoint: `${state.url}/common/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  });
}

/** `GET /{directory}/oauth2/v2.0/logout`: ends the session and redirects to `post_logout_redirect_uri`. */
export function answerLogout({ state, request }: EndpointCall): HttpResponse {
  const forget = { 'set-cookie': `${SESSION_COOKIE}=; Path=/; Max-Age=0` };
  const target = request.query.get('post_logout_redirect_uri');
  const isRegistered = state.apps.list().some((app) => app.redirectUris.includes(target ?? ''));
  return target !== null && isRegistered ? redirect(target, forget) : html(200, signedOutPage(), forget);
}
