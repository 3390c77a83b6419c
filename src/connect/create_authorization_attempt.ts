import { MINUTE, type Timestamp } from '../model/clock.ts';
import type { App } from '../model/entra_app.ts';
import { Secret } from '../model/secret.ts';
import type { Authorization } from '../model/user_authorization.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { hashOneTimeToken, mintOneTimeToken } from './one_time_token.ts';
import { mintPkce } from './pkce.ts';
import { authorizeScopes } from './translate_requested_scopes.ts';

const ATTEMPT_LIFE = 10 * MINUTE;

/**
 * One trip to Entra: a new state, verifier and nonce, bound to the authorization by the row that stores them.
 */
export function mintAttempt(
  { authorizationServer }: Pick<ConnectParts, 'authorizationServer'>,
  app: App,
  authorization: Authorization,
  now: Timestamp,
) {
  const { uid: authorizationUid, permissions, directoryId, redirectUri, loginHint, prompt, claims } = authorization;
  const state = mintOneTimeToken();
  const nonce = mintOneTimeToken();
  const { codeVerifier, codeChallenge } = mintPkce();
  const scopes = authorizeScopes(permissions);
  const target = { app, directoryId, redirectUri, scopes, loginHint, prompt, claims };
  const expireTime = now + ATTEMPT_LIFE;
  return {
    attempt: { authorizationUid, codeVerifier, nonce: new Secret(nonce), expireTime },
    state,
    stateHash: hashOneTimeToken(state),
    authorizationUri: authorizationServer.authorizationUri({ ...target, state, nonce, codeChallenge }),
  };
}
