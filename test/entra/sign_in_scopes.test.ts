import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACME_CLIENT_ID } from '../../src/sandbox/state/seed_data.ts';
import { GRAPH, granted } from './fixtures.ts';
import { ADA, type Stage, startStage } from './with_sandbox.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
  stage.sandbox.addUser({ username: 'byron@contoso.example', mail: 'Ada.Byron@contoso.example' });
});
afterAll(() => stage.close());

test('the id token has the email address, which MSAL does not request', async () => {
  expect(granted(await stage.refresh({ user: 'byron@contoso.example' })).account).toMatchObject({
    username: 'byron@contoso.example',
    email: 'Ada.Byron@contoso.example',
  });
});

test('for sign-in only, the token works at userinfo and has no permission', async () => {
  const scopes = 'openid profile email offline_access';
  const refreshToken = stage.sandbox.issueRefreshToken({ clientId: ACME_CLIENT_ID, userObjectId: ADA, scopes });

  const { accessToken } = granted(await stage.refresh({ refreshToken, scopes: [] }));

  expect(accessToken).toMatchObject({ resource: GRAPH, permissions: [] });
  const answer = await fetch(`${stage.sandbox.url}/graph/oidc/userinfo`, {
    headers: { authorization: `Bearer ${accessToken.token.reveal()}` },
  });
  expect(await answer.json()).toMatchObject({ name: 'Ada Lovelace', email: ADA });
});
