import { EntraError, entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { type Authority, findAuthority } from '../state/directory.ts';
import type { SandboxState } from '../state/state.ts';
import { checkApp } from './eligibility.ts';
import { type AskedScopes, parseScopes } from './requested_scopes.ts';

export type ResponseMode = 'query' | 'form_post' | 'fragment';

/** Where the browser goes back to, once that is known to be safe. */
export interface ReturnAddress {
  redirectUri: string;
  responseMode: ResponseMode;
  state: string | undefined;
}

export interface AuthorizeRequest {
  app: AppRegistration;
  authority: Authority;
  returnAddress: ReturnAddress;
  scope: string;
  asked: AskedScopes;
  nonce: string | undefined;
  codeChallenge: string | undefined;
  codeChallengeMethod: 'S256' | 'plain';
  prompt: string | undefined;
  loginHint: string | undefined;
}

/** A refusal which the app may hear of: it goes back to the redirect URI. All others are shown to the user only. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest';
  readonly reason: EntraError;
  readonly returnAddress: ReturnAddress;

  constructor(reason: EntraError, returnAddress: ReturnAddress) {
    super(reason.message);
    this.reason = reason;
    this.returnAddress = returnAddress;
  }
}

export function readAuthorizeRequest(world: SandboxState, segment: string, query: URLSearchParams): AuthorizeRequest {
  const authority = findAuthority(world.directories, segment);
  if (authority === undefined) throw entraError(90002, { directory: segment });
  // https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc: one of the two.
  if (query.get('prompt') === 'select_account' && query.has('login_hint')) throw entraError(90013);
  const clientId = query.get('client_id');
  if (clientId === null) throw entraError(900144, { parameter: 'client_id' });
  const app = world.apps.find(clientId);
  checkApp(app, clientId, authority);
  const redirectUri = query.get('redirect_uri') ?? app.redirectUris[0] ?? '';
  if (![...app.redirectUris, ...app.spaRedirectUris].includes(redirectUri))
    throw entraError(50011, { uri: redirectUri, client: app.clientId });

  const returnAddress = { redirectUri, responseMode: readResponseMode(query), state: query.get('state') ?? undefined };
  try {
    return { app, authority, returnAddress, ...readWishes(world, app, query) };
  } catch (error) {
    if (error instanceof EntraError) throw new RefusedRequest(error, returnAddress);
    throw error;
  }
}

function readWishes(world: SandboxState, app: AppRegistration, query: URLSearchParams) {
  const responseType = query.get('response_type');
  if (responseType === null) throw entraError(900144, { parameter: 'response_type' });
  if (responseType !== 'code') throw entraError(700054, { type: responseType });
  const scope = query.get('scope');
  if (scope === null || scope.trim() === '') throw entraError(900144, { parameter: 'scope' });
  const asked = parseScopes(world.resources, scope);
  const unknown = asked.permissions.find((permission) => !permission.known && !permission.isDefault);
  if (unknown !== undefined)
    throw entraError(650053, { client: app.displayName, scope: unknown.name, resource: unknown.resource.id });
  const method = query.get('code_challenge_method') ?? 'plain';
  if (method !== 'S256' && method !== 'plain') throw entraError(90013);
  const codeChallengeMethod: 'S256' | 'plain' = method;
  return {
    scope,
    asked,
    nonce: query.get('nonce') ?? undefined,
    codeChallenge: query.get('code_challenge') ?? undefined,
    codeChallengeMethod,
    prompt: query.get('prompt') ?? undefined,
    loginHint: query.get('login_hint') ?? undefined,
  };
}

function readResponseMode(query: URLSearchParams): ResponseMode {
  const mode = query.get('response_mode');
  return mode === 'form_post' || mode === 'fragment' ? mode : 'query';
}
