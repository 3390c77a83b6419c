import { ConfidentialClientApplication, type Configuration, LogLevel } from '@azure/msal-node';
import { VaultError } from '../../model/errors.ts';
import type { Secret } from '../../model/secret.ts';
import type { Authority } from '../authority.ts';
import type { TokenHttp } from '../http.ts';
import type { RawTokenResponse } from '../token_response.ts';

/** What proves the app: a secret, or a signed assertion (certificate, federated). */
export type ClientAuthentication = { readonly clientSecret: Secret } | { readonly assertion: Secret };

export type TokenGrant =
  | {
      readonly kind: 'refresh_token';
      readonly refreshToken: Secret;
      readonly scopes: readonly string[];
      readonly claims: string | undefined;
    }
  | {
      readonly kind: 'authorization_code';
      readonly code: Secret;
      readonly codeVerifier: Secret;
      readonly redirectUri: string;
      readonly scopes: readonly string[];
    }
  | { readonly kind: 'client_credentials'; readonly scopes: readonly string[] };

export interface TokenRequest {
  readonly clientId: string;
  readonly authority: Authority;
  readonly authentication: ClientAuthentication;
  readonly grant: TokenGrant;
  readonly timeout: number;
  readonly correlationId: string;
}

/**
 * Asks the token endpoint through MSAL, and hands back the raw answer: MSAL drops the rotated refresh token, loses status
 * and Retry-After of what is not JSON, and takes `200 {}` for success. Each exchange has a client of its own, since a shared one
 * makes one user's 429 everybody's. Never print a client: `util.inspect` shows its secret.
 */
export async function requestThroughMsal(http: TokenHttp, request: TokenRequest): Promise<RawTokenResponse> {
  let response: RawTokenResponse | undefined;
  const client = new ConfidentialClientApplication({
    auth: {
      clientId: request.clientId,
      ...request.authority.msal,
      ...present(request.authentication),
    },
    system: {
      networkClient: {
        sendGetRequestAsync: () => Promise.reject(new Error('all metadata is given')),
        async sendPostRequestAsync<T>(url: string, options?: { headers?: Record<string, string>; body?: string }) {
          response = await http.post(url, {
            headers: options?.headers ?? {},
            body: options?.body ?? '',
            timeout: request.timeout,
            correlationId: request.correlationId,
          });
          // A copy: MSAL writes into the body that it is given.
          return { status: response.status ?? 503, headers: {}, body: structuredClone(response.body ?? {}) as T };
        },
      },
      loggerOptions: { loggerCallback: () => {}, piiLoggingEnabled: false, logLevel: LogLevel.Error },
    },
  } satisfies Configuration);

  let refusal: unknown;
  try {
    await redeem(client, request);
  } catch (error) {
    // Its message quotes Entra's error_description; the answer itself says all that we want.
    refusal = error;
  }
  if (response !== undefined) return response;
  throw new VaultError('INTERNAL', `MSAL did not send the request (${codeOf(refusal)}).`);
}

function redeem(client: ConfidentialClientApplication, { grant, correlationId }: TokenRequest): Promise<unknown> {
  switch (grant.kind) {
    case 'refresh_token':
      return client.acquireTokenByRefreshToken({
        refreshToken: grant.refreshToken.reveal(),
        scopes: withEmail(grant.scopes),
        correlationId,
        ...(grant.claims === undefined ? {} : { claims: grant.claims }),
      });
    case 'authorization_code':
      return client.acquireTokenByCode({
        code: grant.code.reveal(),
        codeVerifier: grant.codeVerifier.reveal(),
        redirectUri: grant.redirectUri,
        scopes: withEmail(grant.scopes),
        correlationId,
      });
    case 'client_credentials':
      return client.acquireTokenByClientCredential({
        scopes: [...grant.scopes],
        skipCache: true,
        // Else MSAL takes a region from the environment and talks to another host.
        azureRegion: 'DisableMsalForceRegion',
        correlationId,
      });
  }
}

/** Else the id token lacks the address: of the scopes that one consents to with any other, MSAL adds all but this one. `.default` stands alone. */
function withEmail(scopes: readonly string[]): string[] {
  return scopes.some((scope) => scope.endsWith('/.default')) ? [...scopes] : [...scopes, 'email'];
}

function present(authentication: ClientAuthentication): { clientSecret: string } | { clientAssertion: string } {
  return 'clientSecret' in authentication
    ? { clientSecret: authentication.clientSecret.reveal() }
    : { clientAssertion: authentication.assertion.reveal() };
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'errorCode' in error ? error.errorCode : undefined;
  return typeof code === 'string' && /^[a-z_]{1,60}$/.test(code) ? code : 'unknown';
}
