import { expect, test } from 'vitest';
import { createAuthorities } from '../../src/entra/entra_endpoints.ts';
import { requestThroughMsal, type TokenGrant } from '../../src/entra/exchange/request_token_through_msal.ts';
import { Secret } from '../../src/model/secret.ts';
import { aResponse } from './responses.ts';

const scopes = ['Mail.Read'];
const refresh = (claims?: string): TokenGrant => ({
  kind: 'refresh_token',
  refreshToken: new Secret('r'),
  scopes,
  claims,
});
const code: TokenGrant = {
  kind: 'authorization_code',
  code: new Secret('c'),
  codeVerifier: new Secret('v'),
  redirectUri: 'https://vault.example/oauth2/callback',
  scopes,
};
const NBF = { nbf: { essential: true, value: '1790000000' } };
const CP1 = { xms_cc: { values: ['cp1'] } };

/** What is requested of the access token. */
async function claimsSent(clientCapabilities: readonly 'CP1'[], grant: TokenGrant): Promise<unknown> {
  let claims: string | null = null;
  const http = {
    send: async (_url: string, { body }: { readonly body?: string | undefined }) => {
      claims = new URLSearchParams(body).get('claims');
      return aResponse();
    },
    close: async () => {},
  };
  await requestThroughMsal(http, {
    clientId: 'client',
    clientCapabilities,
    authority: createAuthorities(undefined).of('GLOBAL', 'c0c0c0c0-0000-4000-8000-000000000001'),
    authentication: { clientSecret: new Secret('s') },
    grant,
    timeout: 1000,
    correlationId: '33333333-3333-4333-8333-333333333333',
  });
  return claims === null ? undefined : JSON.parse(claims).access_token;
}

test.each([
  ['a refresh token', refresh()],
  ['a code', code],
  ['client credentials', { kind: 'client_credentials', scopes: ['https://graph.microsoft.com/.default'] }],
] as const)('capabilities of the app are declared with %s', async (_name, grant) => {
  expect(await claimsSent(['CP1'], grant)).toEqual(CP1);
  expect(await claimsSent([], grant)).toBeUndefined();
});

test('capabilities are merged with the claims of a challenge', async () => {
  const challenge = JSON.stringify({ access_token: NBF });
  expect(await claimsSent(['CP1'], refresh(challenge))).toEqual({ ...NBF, ...CP1 });
  expect(await claimsSent([], refresh(challenge))).toEqual(NBF);
});
