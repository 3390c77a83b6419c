import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ADA, askToken, callGraph, refreshTokenOf } from './client.ts';

const CP1 = { xms_cc: { values: ['cp1'] } };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ loopGuard: false });
});
afterAll(() => sandbox.close());

const tokenWith = async (claims?: object): Promise<string> => {
  const { body } = await askToken(sandbox, {
    grant_type: 'refresh_token',
    refresh_token: refreshTokenOf(sandbox, ADA, 'User.Read'),
    scope: 'User.Read',
    claims: claims && JSON.stringify({ access_token: claims }),
  });
  return body.access_token;
};
const me = (token: string) => callGraph(sandbox, token, '/graph/v1.0/me');
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

test('Graph challenges an earlier token that carries cp1, and accepts the one that answers', async () => {
  const token = await tokenWith(CP1);
  expect(claimsOf(token).xms_cc).toEqual(['CP1']);
  expect((await me(token)).status).toBe(200);
  sandbox.challengeUser(ADA);
  const { status, headers } = await me(token);
  const challenge = headers.get('www-authenticate') ?? '';
  expect([status, challenge]).toEqual([401, expect.stringContaining('error="insufficient_claims"')]);
  const claims = JSON.parse(atob(/claims="([^"]+)"/.exec(challenge)?.[1] ?? ''));

  expect((await me(await tokenWith({ ...claims.access_token, ...CP1 }))).status).toBe(200);
});

test('a token without cp1 is not challenged, and stays valid after its sessions are revoked', async () => {
  const ordinary = await tokenWith();
  const evaluated = await tokenWith(CP1);
  sandbox.revokeSessions(ADA);
  expect((await me(ordinary)).status).toBe(200);
  expect((await me(evaluated)).status).toBe(401);
});

test('a client that handles challenges gets a token for 20 to 28 hours', async () => {
  const { iat, exp } = claimsOf(await tokenWith(CP1));
  expect((exp - iat) / 3600).toBeGreaterThan(19.9);
  const ordinary = claimsOf(await tokenWith());
  expect(ordinary.exp - ordinary.iat).toBeLessThan(5_400);
  expect(ordinary.xms_cc).toBeUndefined();
});
