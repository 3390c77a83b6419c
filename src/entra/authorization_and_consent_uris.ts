import type { AdminConsentUriRequest, AuthorizationUriRequest } from './entra_client_interface.ts';
import { type Authorities, directoryOf, signInDirectoryOf } from './entra_endpoints.ts';

/** OpenID Connect Core 3.1.2.1 with PKCE S256 (RFC 7636). MSAL's function requires a credential. */
export function authorizationUri(authorities: Authorities, request: AuthorizationUriRequest): string {
  const authority = authorities.of(request.app.cloud, signInDirectoryOf(request.app, request.directoryId));
  return withQuery(authority.authorizeEndpoint, {
    client_id: request.app.clientId,
    response_type: 'code',
    response_mode: 'query',
    redirect_uri: request.redirectUri,
    scope: request.scopes.join(' '),
    state: request.state,
    nonce: request.nonce,
    code_challenge: request.codeChallenge,
    code_challenge_method: 'S256',
    // Without it, the token response has no client_info.
    client_info: '1',
    login_hint: request.loginHint,
    prompt: request.prompt,
    claims: request.claims,
  });
}

/** https://learn.microsoft.com/entra/identity-platform/v2-admin-consent */
export function adminConsentUri(authorities: Authorities, request: AdminConsentUriRequest): string {
  const directory = directoryOf(request.app, request.directoryId);
  // The endpoint accepts directories and `organizations`; personal accounts have no administrator.
  const accepted = directory === 'common' || directory === 'consumers' ? 'organizations' : directory;
  return withQuery(authorities.of(request.app.cloud, accepted).adminConsentEndpoint, {
    client_id: request.app.clientId,
    scope: request.scopes.join(' '),
    redirect_uri: request.redirectUri,
    state: request.state,
  });
}

function withQuery(endpoint: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const defined = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  // Spaces as %20: Entra's pages also read +, but some proxies do not.
  return `${endpoint}?${defined.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}
