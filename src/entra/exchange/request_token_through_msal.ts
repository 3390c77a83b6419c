import { ConfidentialClientApplication, type Configuration, LogLevel } from '@azure/msal-node';
import type { ClientCapability } from '../../model/entra_app.ts';
import { VaultError } from '../../model/errors.ts';
import type { Secret } from '../../model/secret.ts';
import type { Authority } from '../entra_endpoints.ts';
import type { JsonHttp } from '../json_http_client.ts';
import type { RawTokenResponse } from '../raw_response.ts';

/** Authenticates the app: a client secret, or a signed assertion (certificate, federated). */
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
  readonly clientCapabilities: readonly ClientCapability[];
  readonly authority: Authority;
  readonly authentication: ClientAuthentication;
  readonly grant: TokenGrant;
  readonly timeout: number;
  readonly correlationId: string;
}

/**
 * Sends a token request through MSAL, and returns the raw response: MSAL drops the rotated refresh token, loses the
 * status and Retry-After of responses without JSON, and accepts `200 {}` as success. Each exchange has its own client,
 * because a shared client would refuse all users after one user's 429. Never print a client: `util.inspect` shows its
 * secret.
 */
export async function requestThroughMsal(http: JsonHttp, request: TokenRequest): Promise<RawTokenResponse> {
  const { authentication, timeout, correlationId } = request;
  let response: RawTokenResponse | undefined;
  const client = new ConfidentialClientApplication({
    auth: {
      clientId: request.clientId,
      // MSAL merges them with the claims of a challenge. Entra's examples have them in lower case.
      clientCapabilities: request.clientCapabilities.map((capability) => capability.toLowerCase()),
      ...request.authority.msal,
      ...('clientSecret' in authentication
        ? { clientSecret: authentication.clientSecret.reveal() }
        : { clientAssertion: authentication.assertion.reveal() }),
    },
    system: {
      networkClient: {
        sendGetRequestAsync: () => Promise.reject(new Error('unexpected request: all metadata is configured')),
        async sendPostRequestAsync<T>(url: string, options?: { headers?: Record<string, string>; body?: string }) {
          const { headers = {}, body = '' } = options ?? {};
          response = await http.send(url, { method: 'POST', headers, body, timeout, correlationId });
          // Nothing for MSAL, which would parse and keep the tokens: the raw response has all that the vault reads.
          return { status: 200, headers: {}, body: {} as T };
        },
      },
      loggerOptions: { loggerCallback: () => {}, piiLoggingEnabled: false, logLevel: LogLevel.Error },
    },
  } satisfies Configuration);

  // Only the code of MSAL's error: its message quotes Entra's error_description.
  const code = await redeem(client, request).then(() => undefined, codeOf);
  if (response === undefined) throw new VaultError('INTERNAL', `MSAL did not send the request (${code}).`);
  return response;
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
        // Without it, MSAL reads a region from the environment and uses another host.
        azureRegion: 'DisableMsalForceRegion',
        correlationId,
      });
  }
}

/** MSAL adds all OIDC scopes but `email`, which gives the id token an address. `.default` allows no other scope. */
function withEmail(scopes: readonly string[]): string[] {
  return scopes.some((scope) => scope.endsWith('/.default')) ? [...scopes] : [...scopes, 'email'];
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'errorCode' in error ? error.errorCode : undefined;
  return typeof code === 'string' && /^[a-z_]{1,60}$/.test(code) ? code : 'unknown';
}
