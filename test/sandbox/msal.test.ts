import { ConfidentialClientApplication, type Configuration, CryptoProvider } from '@azure/msal-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate } from './certificate.ts';
import { ADA, codeFor, REDIRECT_URI, refreshTokenOf } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
});
afterAll(() => sandbox.close());

/** MSAL requires an https authority, but its metadata may have URLs of the sandbox. */
function msal(auth: Partial<Configuration['auth']> = { clientSecret: ACME_SECRET }, directory = CONTOSO) {
  const authority = `https://login.sandbox.test/${directory}`;
  const base = `${sandbox.url}/${directory}`;
  const metadata = {
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    issuer: `${base}/v2.0`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
  };
  return new ConfidentialClientApplication({
    auth: {
      clientId: ACME_CLIENT_ID,
      authority,
      knownAuthorities: ['login.sandbox.test'],
      authorityMetadata: JSON.stringify(metadata),
      ...auth,
    },
  });
}

test('MSAL completes the code flow with PKCE and checks the nonce', async () => {
  const client = msal();
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const request = { scopes: ['Mail.Read'], redirectUri: REDIRECT_URI };
  const address = await client.getAuthCodeUrl({
    ...request,
    codeChallenge: challenge,
    codeChallengeMethod: 'S256',
    nonce: 'n-1',
    state: 's-1',
    loginHint: ADA,
  });
  const back = await fetch(`${address}&sandbox_auto=1`, { redirect: 'manual' });
  const { searchParams } = new URL(back.headers.get('location') ?? '');
  expect(searchParams.get('state')).toBe('s-1');
  const code = searchParams.get('code') ?? '';
  const result = await client.acquireTokenByCode({ ...request, code, codeVerifier: verifier, nonce: 'n-1' });
  expect(result.account?.username).toBe(ADA);
  expect(result.tenantId).toBe(CONTOSO);
  expect(result.scopes).toContain('Mail.Read');
  const again = { ...request, code: await codeFor(sandbox, ADA, { nonce: 'n-2' }), nonce: 'n-1' };
  await expect(client.acquireTokenByCode(again)).rejects.toMatchObject({ errorCode: 'nonce_mismatch' });
});

test('MSAL redeems a refresh token', async () => {
  const refreshToken = refreshTokenOf(sandbox, ADA, 'openid profile offline_access Mail.Read');
  const result = await msal().acquireTokenByRefreshToken({
    refreshToken,
    scopes: ['https://graph.microsoft.com/Mail.Read'],
  });
  expect(result?.accessToken).toMatch(/^eyJ/);
  expect(result?.account?.homeAccountId).toMatch(new RegExp(`\\.${CONTOSO}$`));
});

test('MSAL gets an app token, with a secret and with a certificate', async () => {
  const scopes = ['https://graph.microsoft.com/.default'];
  expect((await msal().acquireTokenByClientCredential({ scopes }))?.accessToken).toMatch(/^eyJ/);
  const { certificate, privateKey, thumbprintSha256 } = makeCertificate(Date.now() - 1000, Date.now() + 86_400_000);
  sandbox.addCertificate(ACME_CLIENT_ID, certificate);
  const client = msal({ clientCertificate: { thumbprintSha256, privateKey } });
  expect((await client.acquireTokenByClientCredential({ scopes }))?.accessToken).toMatch(/^eyJ/);
});

test('MSAL reads an error like one of Entra', async () => {
  const refreshToken = refreshTokenOf(sandbox, ADA, 'offline_access Mail.Read');
  sandbox.revokeSessions(ADA);
  const failure = msal().acquireTokenByRefreshToken({ refreshToken, scopes: ['Mail.Read'] });
  await expect(failure).rejects.toMatchObject({
    name: 'InteractionRequiredAuthError',
    errorCode: 'invalid_grant',
    subError: 'bad_token',
  });
  const wrong = msal({ clientSecret: 'wrong' }).acquireTokenByClientCredential({
    scopes: ['https://graph.microsoft.com/.default'],
  });
  await expect(wrong).rejects.toMatchObject({ errorCode: 'invalid_client', errorNo: 7000215 });
});
