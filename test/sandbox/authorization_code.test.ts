import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ADA, ALAN, challengeOf, codeFor, OUTLOOK, redeem, redeemCode } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
});
beforeEach(() => sandbox.clock.set(Date.now()));
afterAll(() => sandbox.close());

const VERIFIER = 'a-verifier-of-at-least-forty-three-characters-0123456789';

test('a code is redeemed for tokens, with the nonce in the id_token', async () => {
  const code = await codeFor(sandbox, ADA, { nonce: 'n-1' });
  const { status, body } = await redeemCode(sandbox, code);
  expect(status).toBe(200);
  expect(decodeJwt(body.id_token)['nonce']).toBe('n-1');
  expect((await redeem(sandbox, body.refresh_token, 'Mail.Read')).status).toBe(200);
});

test('a second redemption fails with 54005', async () => {
  const code = await codeFor(sandbox, ADA);
  await redeemCode(sandbox, code);
  expect((await redeemCode(sandbox, code)).body).toMatchObject({ error: 'invalid_grant', error_codes: [54005] });
});

test('one of two concurrent redemptions succeeds', async () => {
  const code = await codeFor(sandbox, ADA);
  const answers = await Promise.all([redeemCode(sandbox, code), redeemCode(sandbox, code)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
});

test('a code expires after ten minutes', async () => {
  const code = await codeFor(sandbox, ADA);
  sandbox.clock.advance(10 * 60 * 1000 + 1);
  expect((await redeemCode(sandbox, code)).body.error_codes).toEqual([70008]);
});

test('a code is bound to its redirect URI, client and directory', async () => {
  const code = await codeFor(sandbox, ADA, {}, CONTOSO);
  const elsewhere = { redirect_uri: 'http://localhost:8080/oauth2/callback' };
  expect((await redeemCode(sandbox, code, elsewhere)).body.error_codes).toEqual([500112]);
  const other = sandbox.addApp({ secrets: [{ value: 'other-secret' }] });
  const client = { client_id: other.clientId, client_secret: 'other-secret' };
  expect((await redeemCode(sandbox, code, client)).body.error_codes).toEqual([70000]);
  expect((await redeemCode(sandbox, code, {}, FABRIKAM)).body.error_codes).toEqual([700005]);
  expect((await redeemCode(sandbox, code, {}, CONTOSO)).status).toBe(200);
});

test('a wrong PKCE verifier fails with 501481, and the code stays valid', async () => {
  const code = await codeFor(sandbox, ADA, { code_challenge: challengeOf(VERIFIER), code_challenge_method: 'S256' });
  expect((await redeemCode(sandbox, code)).body.error_codes).toEqual([501481]);
  expect((await redeemCode(sandbox, code, { code_verifier: 'wrong' })).body.error_codes).toEqual([501481]);
  expect((await redeemCode(sandbox, code, { code_verifier: VERIFIER })).status).toBe(200);
});

test('a plain challenge equals the verifier', async () => {
  const code = await codeFor(sandbox, ADA, { code_challenge: VERIFIER });
  expect((await redeemCode(sandbox, code, { code_verifier: VERIFIER })).status).toBe(200);
});

test('without offline_access there is no refresh token, without openid no id_token', async () => {
  const online = await redeemCode(sandbox, await codeFor(sandbox, ADA, { scope: 'openid Mail.Read' }));
  expect(online.body.refresh_token).toBeUndefined();
  expect(online.body.id_token).toBeTypeOf('string');
  const bare = await redeemCode(sandbox, await codeFor(sandbox, ADA, { scope: 'offline_access Mail.Read' }));
  expect(bare.body.id_token).toBeUndefined();
  expect(bare.body.refresh_token).toBeTypeOf('string');
});

test('a consent may cover resources; the token is for the first or the requested one', async () => {
  const scope = `offline_access Mail.Read ${OUTLOOK}/IMAP.AccessAsUser.All`;
  const first = await redeemCode(sandbox, await codeFor(sandbox, ADA, { scope }));
  expect(decodeJwt(first.body.access_token).aud).toBe('https://graph.microsoft.com');
  const code = await codeFor(sandbox, ADA, { scope });
  const asked = await redeemCode(sandbox, code, { scope: `${OUTLOOK}/IMAP.AccessAsUser.All` });
  expect(decodeJwt(asked.body.access_token).aud).toBe(OUTLOOK);
  expect((await redeem(sandbox, asked.body.refresh_token, 'Mail.Read')).status).toBe(200);
});

test('OpenID scopes without a resource belong to Graph', async () => {
  const user = sandbox.addUser({ username: 'oidc@contoso.example' });
  const { body } = await redeemCode(sandbox, await codeFor(sandbox, user.username, { scope: 'openid profile email' }));
  expect(decodeJwt(body.access_token).aud).toBe('https://graph.microsoft.com');
  expect(body.scope).toBe('openid profile email');
});

test('a guest who signs in at a directory gets that directory’s tokens', async () => {
  const { body } = await redeemCode(sandbox, await codeFor(sandbox, ALAN, {}, CONTOSO), { client_info: '1' });
  const { utid } = JSON.parse(Buffer.from(body.client_info, 'base64url').toString());
  expect([decodeJwt(body.id_token)['tid'], utid]).toEqual([CONTOSO, FABRIKAM]);
});

test('an unknown code is malformed', async () => {
  expect((await redeemCode(sandbox, 'no-such-code')).body.error_codes).toEqual([9002313]);
});
