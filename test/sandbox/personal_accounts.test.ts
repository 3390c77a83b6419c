import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { CONSUMERS_DIRECTORY_ID } from '../../src/sandbox/state/entra_directories.ts';
import { ACME_CLIENT_ID, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import {
  ADA,
  askToken,
  BOB,
  callGraph,
  codeFor,
  OUTLOOK,
  openAuthorize,
  REDIRECT_URI,
  redeem,
  redeemCode,
  refreshTokenOf,
} from './client.ts';

const IMAP = `${OUTLOOK}/IMAP.AccessAsUser.All`;
const GRAPH_DEFAULT = 'https://graph.microsoft.com/.default';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false, algorithm: 'ES256' });
});
afterEach(() => sandbox.close());

const tokenOf = (scopes: string, clientId = ACME_CLIENT_ID) => refreshTokenOf(sandbox, BOB, scopes, clientId);
const codeOf = async (answer: ReturnType<typeof redeem>) => (await answer).body.error_codes?.[0] ?? 'ok';
const parametersOf = async (parameters: Record<string, string>, directory = 'common') =>
  (await openAuthorize(sandbox, { sandbox_auto: BOB, ...parameters }, { directory })).location?.searchParams;

test('missing consent is 70000 without a suberror', async () => {
  const token = tokenOf('offline_access Mail.Read');
  expect(await codeOf(redeem(sandbox, token, 'Mail.Read'))).toBe('ok');
  for (const scope of ['Mail.Send', IMAP]) {
    const { status, body } = await redeem(sandbox, token, scope);
    expect([status, body.error, body.error_codes, body.suberror]).toEqual([400, 'invalid_grant', [70000], undefined]);
    expect(body.error_description).toContain('The user must first sign in');
  }
});

test('a grant that was revoked or idle for 90 days is 70000 with bad_token', async () => {
  const token = tokenOf('offline_access Mail.Read');
  sandbox.revokeSessions(BOB);
  expect((await redeem(sandbox, token, 'Mail.Read')).body).toMatchObject({
    error: 'invalid_grant',
    error_codes: [70000],
    suberror: 'bad_token',
  });
  const idle = tokenOf('offline_access Mail.Read');
  sandbox.clock.advance(91 * 86_400_000);
  expect(await codeOf(redeem(sandbox, idle, 'Mail.Read'))).toBe(70000);
});

test('`.default` needs a registered or consented resource, else it is 70011', async () => {
  expect(await codeOf(redeem(sandbox, tokenOf('offline_access Mail.Read'), GRAPH_DEFAULT))).toBe('ok');
  const { clientId } = sandbox.addApp({ secrets: [{ value: 'bare-secret' }] });
  const client = { client_id: clientId, client_secret: 'bare-secret', grant_type: 'refresh_token' };
  const token = tokenOf('offline_access Mail.Read', clientId);
  const ask = (scope: string) => askToken(sandbox, { ...client, refresh_token: token, scope });
  expect(await codeOf(ask(GRAPH_DEFAULT))).toBe('ok');
  const { body } = await ask(`${OUTLOOK}/.default`);
  expect(body).toMatchObject({ error: 'invalid_scope', error_codes: [70011] });
});

test('a permission without personal accounts does not exist for them, without a number', async () => {
  for (const scope of ['Mail.Read.Shared', 'User.ReadBasic.All', 'Chat.Read', `${OUTLOOK}/EWS.AccessAsUser.All`]) {
    const answer = await parametersOf({ scope });
    expect([scope, answer?.get('error')]).toEqual([scope, 'invalid_scope']);
    expect(answer?.get('error_description')).toMatch(/does not exist\.$/);
    expect(answer?.get('error_description')).not.toContain('AADSTS');
  }
  expect((await parametersOf({ scope: 'Calendars.Read.Shared Mail.Read' }))?.has('code')).toBe(true);
});

test('one consent can cover Graph and Outlook, but not a custom API and another resource', async () => {
  sandbox.addResource('api://orders', ['Orders.Read']);
  expect((await parametersOf({ scope: `Mail.Read ${IMAP}` }))?.has('code')).toBe(true);
  expect((await parametersOf({ scope: 'openid api://orders/Orders.Read' }))?.has('code')).toBe(true);
  const both = await parametersOf({ scope: 'openid Mail.Read api://orders/Orders.Read' });
  expect(both?.get('error')).toBe('invalid_scope');
  expect(both?.get('error_description')).toMatch(/AADSTS70011: .*not compatible with each other/);
});

test('two resources in one token request are 70011', async () => {
  const token = tokenOf(`offline_access Mail.Read ${IMAP}`);
  const { body } = await redeem(sandbox, token, `Mail.Read ${IMAP}`);
  expect(body).toMatchObject({ error: 'invalid_scope', error_codes: [70011] });
});

test('tokens for Graph are opaque and valid for an hour; a custom API gets a JWT', async () => {
  sandbox.addResource('api://orders', ['Orders.Read']);
  const token = tokenOf('offline_access User.Read api://orders/Orders.Read');
  expect(token).toMatch(/^M\./);
  const { body } = await redeem(sandbox, token, 'openid profile User.Read');
  expect(body.access_token).toMatch(/^EwB/);
  expect(() => decodeJwt(body.access_token)).toThrow();
  expect(body).toMatchObject({ expires_in: 3600, ext_expires_in: 3600 });
  expect(body.refresh_token).toMatch(/^M\./);
  const me = await callGraph(sandbox, body.access_token, '/graph/v1.0/me');
  expect([me.status, me.body.userPrincipalName]).toEqual([200, BOB]);
  sandbox.clock.advance(3_600_001);
  expect((await callGraph(sandbox, body.access_token, '/graph/v1.0/me')).status).toBe(401);
  const own = await redeem(sandbox, token, 'api://orders/Orders.Read');
  expect(decodeJwt(own.body.access_token).aud).toBe('api://orders');
  const claims = decodeJwt(body.id_token);
  expect(claims['oid']).toMatch(/^00000000-0000-0000-[0-9a-f]{4}-[0-9a-f]{12}$/);
  expect(claims.iss).toBe(`${sandbox.url}/${CONSUMERS_DIRECTORY_ID}/v2.0`);
});

test('only the object ids of personal accounts begin with zeros', () => {
  const personal = sandbox.addUser({ username: 'eve@live.com', directoryId: CONSUMERS_DIRECTORY_ID });
  expect(personal.objectId).toMatch(/^00000000-0000-0000-[0-9a-f]{4}-[0-9a-f]{12}$/);
  expect(sandbox.addUser({ username: 'eve@contoso.example' }).objectId).not.toMatch(/^00000000-0000/);
});

test('a personal grant at a work authority is 70000121, other grants at consumers 7000012', async () => {
  const bob = tokenOf('offline_access User.Read');
  const ada = refreshTokenOf(sandbox, ADA, 'offline_access User.Read');
  const at = (token: string, directory: string) => codeOf(redeem(sandbox, token, 'User.Read', { directory }));
  for (const directory of [CONTOSO, 'contoso.example', 'organizations'])
    expect(await at(bob, directory)).toBe(70000121);
  for (const directory of ['common', 'consumers', CONSUMERS_DIRECTORY_ID]) expect(await at(bob, directory)).toBe('ok');
  for (const directory of ['consumers', CONSUMERS_DIRECTORY_ID]) {
    expect(await at(ada, directory)).toBe(7000012);
    expect(await at('junk', directory)).toBe(7000012);
  }
  expect(await at('junk', 'common')).toBe(9002313);
});

test('an app without personal accounts is 70002 at the token endpoint, no number at authorize', async () => {
  const app = sandbox.addApp({ redirectUris: [REDIRECT_URI], secrets: [{ value: 'narrow-secret' }] });
  const token = tokenOf('offline_access User.Read', app.clientId);
  const client = { client_id: app.clientId, client_secret: 'narrow-secret' };
  const ask = (directory: string) =>
    askToken(sandbox, { ...client, grant_type: 'refresh_token', refresh_token: token }, { directory });
  expect(await codeOf(ask('common'))).toBe('ok');
  app.audience = 'organizations';
  for (const directory of ['common', 'consumers', CONSUMERS_DIRECTORY_ID]) {
    const { status, body } = await ask(directory);
    expect([status, body.error, body.error_codes]).toEqual([401, 'invalid_client', [70002]]);
  }
  const answer = await parametersOf({ client_id: app.clientId });
  expect(answer?.get('error')).toBe('unauthorized_client');
  expect(answer?.get('error_description')).not.toContain('AADSTS');
});

test('a personal account consents, redeems a code and refreshes at its authority', async () => {
  const code = await codeFor(sandbox, BOB, { scope: `openid profile offline_access Mail.Read ${IMAP}` });
  const { body } = await redeemCode(sandbox, code);
  expect(body.scope.split(' ')).toContain('Mail.Read');
  const outlook = await redeem(sandbox, body.refresh_token, IMAP, { directory: 'consumers' });
  expect(outlook.body.scope).toBe(IMAP);
});
