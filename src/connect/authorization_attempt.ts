import type { App } from '../model/app.ts';
import type { Authorization, AuthorizationAttempt } from '../model/authorization.ts';
import { MINUTE, type Timestamp } from '../model/clock.ts';
import { Secret } from '../model/secret.ts';
import type { ConnectParts } from './connect_parts.ts';
import { hashOneTimeToken, mintOneTimeToken } from './one_time_token.ts';
import { mintPkce } from './pkce.ts';
import { authorizeScopes } from './requested_scopes.ts';

const ATTEMPT_LIFE = 10 * MINUTE;

export interface MintedAttempt {
  readonly attempt: AuthorizationAttempt;
  readonly stateHash: string;
  /** Holds the state: the only place where it stands in clear. */
  readonly authorizationUri: string;
}

/** One trip to Entra: a fresh state, verifier and nonce, bound to the authorization by the row that is stored for them. */
export function mintAttempt(
  { authorizationServer }: Pick<ConnectParts, 'authorizationServer'>,
  { app, authorization, now }: { app: App; authorization: Authorization; now: Timestamp },
): MintedAttempt {
  const state = mintOneTimeToken();
  const nonce = mintOneTimeToken();
  const { codeVerifier, codeChallenge } = mintPkce();
  return {
    attempt: {
      authorizationUid: authorization.uid,
      codeVerifier,
      nonce: new Secret(nonce),
      expireTime: now + ATTEMPT_LIFE,
    },
    stateHash: hashOneTimeToken(state),
    authorizationUri: authorizationServer.authorizationUri({
      app,
      directoryId: authorization.directoryId,
      redirectUri: authorization.redirectUri,
      scopes: authorizeScopes(authorization.permissions),
      state,
      nonce,
      codeChallenge,
      loginHint: authorization.loginHint,
      prompt: authorization.prompt,
      claims: authorization.claims,
    }),
  };
}
