import type { EndpointCall } from '../endpoint_call.ts';
import { EntraError, entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { type Authority, findAuthority } from '../state/entra_directories.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { checkApp, checkRedirectUri } from './check_sign_in_allowed.ts';
import { parseScopes } from './parse_requested_scopes.ts';

/** The app's address to which the browser returns, once it is known to be registered. */
export interface ReturnAddress {
  redirectUri: string;
  responseMode: string | null;
  state: string | undefined;
}

export type AuthorizeRequest = ReturnType<typeof readParameters> & {
  app: AppRegistration;
  authority: Authority;
  returnAddress: ReturnAddress;
};

/** An error that is reported to the app at its redirect URI. Other errors are only shown to the user. */
export class RedirectedError extends Error {
  override readonly name = 'RedirectedError';
  readonly reason: EntraError;
  readonly returnAddress: ReturnAddress;

  constructor(reason: EntraError, returnAddress: ReturnAddress) {
    super(reason.message);
    this.reason = reason;
    this.returnAddress = returnAddress;
  }
}

export function readAuthorizeRequest({ state, segment, request: { query } }: EndpointCall): AuthorizeRequest {
  const authority = findAuthority(state.directories, segment);
  if (authority === undefined) throw entraError(90002, { directory: segment });
  // Only one of the two is allowed: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
  if (query.get('prompt') === 'select_account' && query.has('login_hint')) throw entraError(90013);
  const clientId = query.get('client_id');
  if (clientId === null) throw entraError(900144, { parameter: 'client_id' });
  const app = state.apps.find(clientId);
  checkApp(app, clientId, authority);
  const redirectUri = query.get('redirect_uri') ?? app.redirectUris[0] ?? '';
  checkRedirectUri(app, redirectUri);

  const responseMode = query.get('response_mode');
  const returnAddress = { redirectUri, responseMode, state: query.get('state') ?? undefined };
  try {
    return { app, authority, returnAddress, ...readParameters(state, app, query) };
  } catch (error) {
    throw error instanceof EntraError ? new RedirectedError(error, returnAddress) : error;
  }
}

function readParameters(state: SandboxState, app: AppRegistration, query: URLSearchParams) {
  const responseType = query.get('response_type');
  if (responseType === null) throw entraError(900144, { parameter: 'response_type' });
  if (responseType !== 'code') throw entraError(700054, { type: responseType });
  const scope = query.get('scope');
  if (scope === null || scope.trim() === '') throw entraError(900144, { parameter: 'scope' });
  const requested = parseScopes(state.resources, scope);
  const unknown = requested.permissions.find((permission) => !permission.known && !permission.isDefault);
  if (unknown !== undefined)
    throw entraError(650053, { client: app.displayName, scope: unknown.name, resource: unknown.resource.id });
  const codeChallengeMethod = query.get('code_challenge_method') ?? 'plain';
  if (codeChallengeMethod !== 'S256' && codeChallengeMethod !== 'plain') throw entraError(90013);
  return {
    scope,
    requested,
    nonce: query.get('nonce') ?? undefined,
    codeChallenge: query.get('code_challenge') ?? undefined,
    codeChallengeMethod: codeChallengeMethod as 'S256' | 'plain',
    prompt: query.get('prompt') ?? undefined,
    loginHint: query.get('login_hint') ?? undefined,
  };
}
