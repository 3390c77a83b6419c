import { expect, test } from 'vitest';
import { createAuthorities } from '../../src/entra/entra_endpoints.ts';
import { requestThroughMsal } from '../../src/entra/exchange/request_token_through_msal.ts';
import { Secret } from '../../src/model/secret.ts';
import { createRecordingAppStateStore } from './app_state_store.ts';
import { anApp, createServer } from './fixtures.ts';
import { aResponse } from './responses.ts';

const CUSTOM = { loginUrl: 'http://127.0.0.1:4000/' };

test.each([
  ['GLOBAL', 'https://login.microsoftonline.com'],
  ['US_GOV', 'https://login.microsoftonline.us'],
  ['CHINA', 'https://login.partner.microsoftonline.cn'],
  ['CUSTOM', 'http://127.0.0.1:4000'],
] as const)('in cloud %s MSAL contacts only the token endpoint at %s', async (cloud, login) => {
  const requested: string[] = [];
  const http = {
    send: async (url: string) => {
      requested.push(url.split('?')[0] ?? '');
      return aResponse();
    },
    close: async () => {},
  };
  for (const directory of ['c0c0c0c0-0000-4000-8000-000000000001', 'organizations', 'common', 'consumers']) {
    await requestThroughMsal(http, {
      clientId: 'client',
      clientCapabilities: [],
      authority: createAuthorities(CUSTOM).of(cloud, directory),
      authentication: { clientSecret: new Secret('s') },
      grant: { kind: 'refresh_token', refreshToken: new Secret('r'), scopes: ['Mail.Read'], claims: undefined },
      timeout: 1000,
      correlationId: '33333333-3333-4333-8333-333333333333',
    });
    expect(requested.pop()).toBe(`${login}/${directory}/oauth2/v2.0/token`);
  }
  expect(requested).toEqual([]);
});

test.each(['http://login.example.com', 'http://127.0.0.1.evil.example', 'ftp://127.0.0.1', 'http://10.0.0.1'])(
  'no secret is sent to %s',
  (loginUrl) => {
    expect(() => createAuthorities({ loginUrl })).toThrow(/https/);
  },
);

test.each(['../other', 'a/b', 'a?b', 'a#b', '', 'a b', '@evil.example', 'a:b', '%2e%2e'])(
  'a directory cannot lead to another path: %s',
  (directory) => {
    expect(() => createAuthorities(undefined).of('GLOBAL', directory)).toThrow(/directory/);
  },
);

test('cloud CUSTOM without an address is reported', () => {
  expect(() => createAuthorities(undefined).of('CUSTOM', 'common')).toThrow(/CUSTOM/);
});

const { server } = createServer({ url: 'http://127.0.0.1:4000', appStateStore: createRecordingAppStateStore() });
const where = {
  app: anApp({ cloud: 'GLOBAL', clientId: 'the-client' }),
  directoryId: undefined,
  redirectUri: 'https://vault.example.com/oauth2/callback?a=b&c',
  scopes: ['openid', 'https://graph.microsoft.com/Mail.Read'],
  state: 'the state&',
};

test('the authorize URL has PKCE, state, nonce and the optional parameters', () => {
  const uri = new URL(
    server.authorizationUri({
      ...where,
      nonce: 'the-nonce',
      codeChallenge: 'the-challenge',
      loginHint: 'ada@example.com',
      prompt: undefined,
      claims: '{"id_token":{}}',
    }),
  );
  expect(uri.origin + uri.pathname).toBe('https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize');
  expect(Object.fromEntries(uri.searchParams)).toEqual({
    client_id: 'the-client',
    response_type: 'code',
    response_mode: 'query',
    redirect_uri: where.redirectUri,
    scope: 'openid https://graph.microsoft.com/Mail.Read',
    state: 'the state&',
    nonce: 'the-nonce',
    code_challenge: 'the-challenge',
    code_challenge_method: 'S256',
    client_info: '1',
    login_hint: 'ada@example.com',
    claims: '{"id_token":{}}',
  });
});

test('the admin-consent URL is of a directory or of `organizations`', () => {
  const path = (signInAudience: string, directoryId?: string) =>
    new URL(server.adminConsentUri({ ...where, app: anApp({ cloud: 'GLOBAL', signInAudience }), directoryId }))
      .pathname;
  expect(path('common')).toBe('/organizations/v2.0/adminconsent');
  expect(path('contoso.example')).toBe('/contoso.example/v2.0/adminconsent');
  expect(path('common', 'fabrikam.example')).toBe('/fabrikam.example/v2.0/adminconsent');
});
