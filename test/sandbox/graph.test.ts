import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { ADA, askToken, callGraph, OUTLOOK, redeem, refreshTokenOf } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ accessTokenLifetime: 3600 });
});
beforeEach(() => sandbox.clock.set(Date.now()));
afterAll(() => sandbox.close());

async function tokenFor(name: string, scope: string, asked = scope): Promise<string> {
  const user = sandbox.addUser({ username: `${name}@contoso.example`, displayName: 'Test Person' });
  return (await redeem(sandbox, refreshTokenOf(sandbox, user.username, scope), asked)).body.access_token;
}

async function appToken(clientId = ACME_CLIENT_ID, secret = ACME_SECRET): Promise<string> {
  const fields = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: secret,
    scope: 'https://graph.microsoft.com/.default',
  };
  return (await askToken(sandbox, fields, { directory: CONTOSO })).body.access_token;
}

test('/me and /me/messages accept a token with their permission', async () => {
  const token = await tokenFor('reader', 'Mail.ReadWrite User.Read');
  expect((await callGraph(sandbox, token, '/graph/v1.0/me')).body).toMatchObject({
    userPrincipalName: 'reader@contoso.example',
  });
  const messages = await callGraph(sandbox, token, '/graph/v1.0/me/messages?$top=1');
  expect(messages.body.value).toHaveLength(2);
});

test('a missing permission is 403, with Graph’s body', async () => {
  const token = await tokenFor('sender', 'Mail.Send');
  expect((await callGraph(sandbox, token, '/graph/v1.0/me/sendMail', 'POST')).status).toBe(202);
  const refused = await callGraph(sandbox, token, '/graph/v1.0/me/messages');
  expect([refused.status, refused.body.error.code]).toEqual([403, 'ErrorAccessDenied']);
  expect(refused.body.error.innerError['request-id']).toBeTypeOf('string');
});

test('a missing, malformed, forged, expired or foreign token is 401 with a challenge', async () => {
  const token = await tokenFor('late', 'User.Read');
  const other = await startSandbox();
  const foreign = (await redeem(other, refreshTokenOf(other, ADA, 'User.Read'), 'User.Read')).body.access_token;
  await other.close();
  const outlook = await tokenFor('outlook', `${OUTLOOK}/IMAP.AccessAsUser.All`);
  for (const wrong of [undefined, 'garbage', foreign, outlook, `${token.slice(0, -5)}AAAAA`]) {
    const refused = await callGraph(sandbox, wrong, '/graph/v1.0/me');
    expect([refused.status, refused.body.error.code]).toEqual([401, 'InvalidAuthenticationToken']);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer /);
  }
  expect((await callGraph(sandbox, token, '/graph/v1.0/me')).status).toBe(200);
  sandbox.clock.advance(3600 * 1000 + 1000);
  expect((await callGraph(sandbox, token, '/graph/v1.0/me')).status).toBe(401);
});

test('IMAP accepts a token of Outlook with its permission, and never one of Graph', async () => {
  const scope = `Mail.Read IMAP.AccessAsUser.All ${OUTLOOK}/IMAP.AccessAsUser.All`;
  const good = await tokenFor('imap1', scope, `${OUTLOOK}/IMAP.AccessAsUser.All`);
  expect(await callGraph(sandbox, good, '/outlook/imap-check', 'POST')).toMatchObject({
    status: 200,
    body: { ok: true, username: 'imap1@contoso.example' },
  });
  const graph = await tokenFor('imap2', scope, 'IMAP.AccessAsUser.All');
  expect(await callGraph(sandbox, graph, '/outlook/imap-check')).toMatchObject({
    status: 401,
    body: { reason: 'wrong_audience' },
  });
  const poor = await tokenFor('imap3', `${OUTLOOK}/SMTP.Send`);
  expect(await callGraph(sandbox, poor, '/outlook/imap-check')).toMatchObject({
    status: 403,
    body: { reason: 'missing_permission' },
  });
});

test('userinfo accepts a token with consent to sign-in only', async () => {
  const token = await tokenFor('info', 'openid profile email offline_access');
  expect(decodeJwt(token)['scp']).toBe('openid profile email');
  for (const method of ['GET', 'POST'])
    expect((await callGraph(sandbox, token, '/graph/oidc/userinfo', method)).body).toEqual({
      sub: decodeJwt(token).sub,
      name: 'Test Person',
      family_name: 'Person',
      given_name: 'Test',
      picture: expect.stringContaining('/photo/'),
      email: 'info@contoso.example',
    });
  expect((await callGraph(sandbox, token, '/graph/v1.0/me')).status).toBe(403);
  expect(
    (await callGraph(sandbox, await tokenFor('post', `${OUTLOOK}/SMTP.Send`), '/graph/oidc/userinfo')).status,
  ).toBe(401);
});

test('a mail address can differ from the username, and can be missing', async () => {
  const infoOf = async (username: string, mail: string | null) => {
    sandbox.addUser({ username, mail });
    const refreshToken = refreshTokenOf(sandbox, username, 'openid email User.Read');
    const { access_token, id_token } = (await redeem(sandbox, refreshToken, 'openid email User.Read')).body;
    const { email } = (await callGraph(sandbox, access_token, '/graph/oidc/userinfo')).body;
    const { mail: ofMe } = (await callGraph(sandbox, access_token, '/graph/v1.0/me')).body;
    return [decodeJwt(id_token)['email'], email, ofMe];
  };
  const known = 'Ada.Byron@contoso.example';
  expect(await infoOf('byron@contoso.example', known)).toEqual([known, known, known]);
  expect(await infoOf('nameless@contoso.example', null)).toEqual([undefined, undefined, null]);
});

test('/me needs a user, and unknown paths are 404', async () => {
  expect((await callGraph(sandbox, await appToken(), '/graph/v1.0/me')).status).toBe(400);
  expect((await callGraph(sandbox, await tokenFor('lost', 'User.Read'), '/graph/v1.0/nothing')).status).toBe(404);
});

test('an app reads its own registration and rotates its own secret', async () => {
  const token = await appToken();
  const found = await callGraph(
    sandbox,
    token,
    `/graph/v1.0/applications?$filter=${encodeURIComponent(`appId eq '${ACME_CLIENT_ID}'`)}`,
  );
  const [app] = found.body.value;
  expect(app.passwordCredentials[0]).toMatchObject({ hint: ACME_SECRET.slice(0, 3), secretText: null });
  const end = new Date(sandbox.clock.now() + 90 * 86_400_000).toISOString().replace(/\.\d+Z$/, '.250Z');
  const body = { passwordCredential: { displayName: 'rotated', endDateTime: end } };
  const added = (await callGraph(sandbox, token, `/graph/v1.0/applications/${app.id}/addPassword`, 'POST', body)).body;
  expect(added).toMatchObject({ displayName: 'rotated', hint: added.secretText.slice(0, 3) });
  expect(added.endDateTime).toBe(end.replace('.250Z', '.2500000Z'));
  expect(await appToken(ACME_CLIENT_ID, added.secretText)).toMatch(/^eyJ/);

  const byAppId = `/graph/v1.0/applications(appId='${ACME_CLIENT_ID}')`;
  expect((await callGraph(sandbox, token, byAppId)).body.passwordCredentials).toHaveLength(2);
  expect((await callGraph(sandbox, token, `/graph/v1.0/applications/${app.id}`)).body.appId).toBe(ACME_CLIENT_ID);
  const removal = await callGraph(sandbox, token, `${byAppId}/removePassword`, 'POST', { keyId: added.keyId });
  expect(removal.status).toBe(204);
  expect((await callGraph(sandbox, token, `${byAppId}/removePassword`, 'POST', { keyId: added.keyId })).status).toBe(
    400,
  );
  expect(await appToken(ACME_CLIENT_ID, added.secretText)).toBeUndefined();
});

test('an app has no access to apps of others, or without the role', async () => {
  const foreign = sandbox.addApp({ secrets: [{ value: 'foreign-secret' }] });
  const path = `/graph/v1.0/applications/${foreign.objectId}`;
  expect((await callGraph(sandbox, await appToken(), path)).status).toBe(403);
  expect((await callGraph(sandbox, await appToken(), `${path}/addPassword`, 'POST')).status).toBe(403);
  const roleless = await appToken(foreign.clientId, 'foreign-secret');
  expect((await callGraph(sandbox, roleless, `${path}/addPassword`, 'POST')).body.error.code).toBe(
    'Authorization_RequestDenied',
  );
  expect((await callGraph(sandbox, await appToken(), '/graph/v1.0/applications/nobody')).status).toBe(404);
});
