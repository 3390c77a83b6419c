import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO, DEFAULT_SEED, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ADA, ALAN, askToken, codeFor, OUTLOOK, REDIRECT_URI, redeem, refreshTokenOf } from './client.ts';

const DAY = 24 * 3600 * 1000;
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
});
beforeEach(() => sandbox.clock.set(Date.now()));
afterAll(() => sandbox.close());

test('each redemption gives a new refresh token, and the old one stays valid', async () => {
  const first = refreshTokenOf(sandbox, ADA, 'openid offline_access Mail.Read');
  const second = (await redeem(sandbox, first, 'Mail.Read')).body.refresh_token;
  expect(second).not.toBe(first);
  expect((await redeem(sandbox, first, 'Mail.Read')).status).toBe(200);
  expect((await redeem(sandbox, second, 'Mail.Read')).status).toBe(200);
});

test('the response has the form of Entra', async () => {
  const token = refreshTokenOf(sandbox, ADA, 'openid profile email offline_access Mail.Read');
  const { status, body, headers } = await askToken(sandbox, {
    grant_type: 'refresh_token',
    refresh_token: token,
    scope: 'openid profile email offline_access Mail.Read',
    client_info: '1',
  });
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toContain('no-store');
  expect(body.token_type).toBe('Bearer');
  expect(body.expires_in).toBeGreaterThanOrEqual(3600);
  expect(body.expires_in).toBeLessThan(5400);
  expect(body.ext_expires_in).toBe(body.expires_in);
  expect(body.refresh_in).toBeUndefined();
  expect(body.scope.split(' ')).toEqual(expect.arrayContaining(['Mail.Read', 'openid', 'profile', 'email']));
  expect(body.scope).not.toContain('offline_access');
  expect(body.access_token.length).toBeGreaterThan(1700);
  expect(body.access_token.length).toBeLessThan(2200);
  const { uid, utid } = JSON.parse(Buffer.from(body.client_info, 'base64url').toString());
  const id = decodeJwt(body.id_token);
  expect([uid, utid]).toEqual([id['oid'], id['tid']]);
  expect(id).toMatchObject({
    aud: ACME_CLIENT_ID,
    tid: CONTOSO,
    preferred_username: ADA,
    iss: `${sandbox.url}/${CONTOSO}/v2.0`,
  });
});

test('one grant serves two resources, one token at a time', async () => {
  const token = refreshTokenOf(
    sandbox,
    ADA,
    `offline_access Mail.Read ${OUTLOOK}/IMAP.AccessAsUser.All ${OUTLOOK}/SMTP.Send`,
  );
  const graph = (await redeem(sandbox, token, 'Mail.Read')).body;
  const outlook = (await redeem(sandbox, token, `${OUTLOOK}/IMAP.AccessAsUser.All`)).body;
  expect(decodeJwt(graph.access_token).aud).toBe('https://graph.microsoft.com');
  expect(decodeJwt(outlook.access_token).aud).toBe(OUTLOOK);
  expect(outlook.scope.split(' ').sort()).toEqual([`${OUTLOOK}/IMAP.AccessAsUser.All`, `${OUTLOOK}/SMTP.Send`]);
});

/** Part of every consent. */
const SIGN_IN = ['openid', 'profile', 'email'];

test('two resources in one request are 28000; the default is the first granted resource', async () => {
  const token = refreshTokenOf(sandbox, ADA, `offline_access ${OUTLOOK}/IMAP.AccessAsUser.All Mail.Read`);
  const { body } = await redeem(sandbox, token, `${OUTLOOK}/IMAP.AccessAsUser.All Mail.Read`);
  expect(body).toMatchObject({ error: 'invalid_request', error_codes: [28000] });
  expect(decodeJwt((await redeem(sandbox, token)).body.access_token).aud).toBe(OUTLOOK);
});

test('the token is not narrowed to the requested scopes', async () => {
  const user = sandbox.addUser({ username: 'wide@contoso.example' });
  const token = refreshTokenOf(sandbox, user.username, 'offline_access Mail.Read Calendars.Read User.Read');
  const { body } = await redeem(sandbox, token, 'https://graph.microsoft.com/Mail.Read');
  expect(body.scope.split(' ').sort()).toEqual(['Calendars.Read', 'Mail.Read', 'User.Read', ...SIGN_IN].sort());
});

test('names are case-insensitive, and are returned in the spelling of Graph', async () => {
  const user = sandbox.addUser({ username: 'case@contoso.example' });
  const token = refreshTokenOf(sandbox, user.username, 'offline_access mail.read');
  expect((await redeem(sandbox, token, 'MAIL.READ')).body.scope).toBe('Mail.Read openid profile email');
});

test('{resource}/.default gives all consented permissions, or 65001 without any', async () => {
  const user = sandbox.addUser({ username: 'default@contoso.example' });
  const token = refreshTokenOf(sandbox, user.username, 'offline_access Mail.Read');
  expect((await redeem(sandbox, token, 'https://graph.microsoft.com/.default')).body.scope).toBe(
    'Mail.Read openid profile email',
  );
  const refused = await redeem(sandbox, token, `${OUTLOOK}/.default`);
  expect(refused.body).toMatchObject({ error: 'invalid_grant', error_codes: [65001], suberror: 'consent_required' });
});

test('a withdrawn permission is 65001, and the others still work', async () => {
  const user = sandbox.addUser({ username: 'withdrawn@contoso.example' });
  const token = refreshTokenOf(sandbox, user.username, 'offline_access Mail.Read Mail.Send');
  sandbox.withdrawConsent(user.username, ACME_CLIENT_ID, 'Mail.Send');
  expect((await redeem(sandbox, token, 'Mail.Read Mail.Send')).body.error_codes).toEqual([65001]);
  expect((await redeem(sandbox, token, 'https://graph.microsoft.com/.default')).body.scope).toBe(
    'Mail.Read openid profile email',
  );
});

test('a grant for sign-in only lasts until the consent is withdrawn', async () => {
  const user = sandbox.addUser({ username: 'signin@contoso.example' });
  const token = refreshTokenOf(sandbox, user.username, 'openid profile email offline_access');
  for (const scope of ['openid profile email offline_access', 'https://graph.microsoft.com/.default'])
    expect((await redeem(sandbox, token, scope)).body.scope).toBe('openid profile email');
  sandbox.withdrawConsent(user.username, ACME_CLIENT_ID);
  expect((await redeem(sandbox, token, 'openid profile')).body.error_codes).toEqual([65001]);
});

test('the default scope is the whole grant', async () => {
  const user = sandbox.addUser({ username: 'noscope@contoso.example' });
  const token = refreshTokenOf(sandbox, user.username, 'openid offline_access Mail.Read');
  const { body } = await redeem(sandbox, token);
  expect(body.scope).toBe('Mail.Read openid profile email');
  expect(body.id_token).toBeTypeOf('string');
});

test('after revoked sessions earlier grants fail with 50173', async () => {
  const user = sandbox.addUser({ username: 'revoked@contoso.example' });
  const before = refreshTokenOf(sandbox, user.username, 'offline_access Mail.Read');
  sandbox.revokeSessions(user.username);
  const { status, body } = await redeem(sandbox, before, 'Mail.Read');
  expect(status).toBe(400);
  expect(body).toMatchObject({ error: 'invalid_grant', error_codes: [50173], suberror: 'bad_token' });
  expect(body.error_description).toMatch(
    /^AADSTS50173: .* Trace ID: \S+ Correlation ID: \S+ Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/,
  );
  const after = refreshTokenOf(sandbox, user.username, 'offline_access Mail.Read');
  expect((await redeem(sandbox, after, 'Mail.Read')).status).toBe(200);
});

test('a disabled user is 50057, with the username in the description', async () => {
  const user = sandbox.addUser({ username: 'disabled@contoso.example' });
  const token = refreshTokenOf(sandbox, user.username, 'offline_access Mail.Read');
  sandbox.disableUser(user.username);
  const { body } = await redeem(sandbox, token, 'Mail.Read');
  expect(body.error_codes).toEqual([50057]);
  expect(body.error_description).toContain(user.username);
  sandbox.enableUser(user.username);
  expect((await redeem(sandbox, token, 'Mail.Read')).status).toBe(200);
});

test('a refresh token expires 90 days after its last use (700082)', async () => {
  const token = refreshTokenOf(sandbox, ADA, 'offline_access Mail.Read');
  sandbox.clock.advance(60 * DAY);
  const renewed = (await redeem(sandbox, token, 'Mail.Read')).body.refresh_token;
  sandbox.clock.advance(60 * DAY);
  expect((await redeem(sandbox, token, 'Mail.Read')).body).toMatchObject({
    error: 'invalid_grant',
    error_codes: [700082],
  });
  expect((await redeem(sandbox, renewed, 'Mail.Read')).status).toBe(200);
});

test('a refresh token of a single-page app expires after 24 hours (700084)', async () => {
  const app = sandbox.addApp({ spaRedirectUris: ['http://localhost:5173/'] });
  const scope = 'openid offline_access Mail.Read';
  const uri = 'http://localhost:5173/';
  const code = await codeFor(sandbox, ADA, { client_id: app.clientId, redirect_uri: uri, scope });
  const spa = { client_id: app.clientId, client_secret: undefined };
  const page = { headers: { origin: 'http://localhost:5173' } };
  const redemption = { grant_type: 'authorization_code', code, redirect_uri: uri, ...spa };
  const granted = await askToken(sandbox, redemption, page);
  sandbox.clock.advance(20 * 3600 * 1000);
  const fields = { grant_type: 'refresh_token', scope: 'Mail.Read', ...spa };
  const renewed = await askToken(sandbox, { ...fields, refresh_token: granted.body.refresh_token }, page);
  expect(renewed.status).toBe(200);
  sandbox.clock.advance(5 * 3600 * 1000);
  const late = await askToken(sandbox, { ...fields, refresh_token: renewed.body.refresh_token }, page);
  expect(late.body.error_codes).toEqual([700084]);
});

test('only tokens of single-page apps are redeemed cross-origin (9002327, 9002326)', async () => {
  const uri = 'http://localhost:5173/';
  const app = sandbox.addApp({
    spaRedirectUris: [uri],
    redirectUris: [REDIRECT_URI],
    secrets: [{ value: 'spa-secret' }],
  });
  const client = { client_id: app.clientId, client_secret: 'spa-secret' };
  const page = { headers: { origin: 'http://localhost:5173' } };
  const asks = { scope: 'openid offline_access Mail.Read', client_id: app.clientId };
  const redemption = { grant_type: 'authorization_code', redirect_uri: uri };
  const code = await codeFor(sandbox, ADA, { ...asks, redirect_uri: uri });
  const atServer = await askToken(sandbox, { ...client, ...redemption, code });
  expect([atServer.status, atServer.body.error]).toEqual([400, 'invalid_request']);
  expect(atServer.body.error_codes).toEqual([9002327]);
  const bare = { client_id: app.clientId, client_secret: undefined };
  const granted = await askToken(sandbox, { ...bare, ...redemption, code }, page);
  expect(granted.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
  const renewal = { ...client, grant_type: 'refresh_token', refresh_token: granted.body.refresh_token };
  expect((await askToken(sandbox, renewal)).body.error_codes).toEqual([9002327]);
  const webCode = await codeFor(sandbox, ADA, { ...asks, redirect_uri: REDIRECT_URI });
  const web = { ...client, ...redemption, code: webCode, redirect_uri: REDIRECT_URI };
  expect((await askToken(sandbox, web, page)).body).toMatchObject({ error: 'invalid_request', error_codes: [9002326] });
});

test('a malformed token is 9002313, one of another client 70000, a missing one 900144', async () => {
  expect((await redeem(sandbox, 'garbage', 'Mail.Read')).body.error_codes).toEqual([9002313]);
  const damaged = `${refreshTokenOf(sandbox, ADA, 'Mail.Read').slice(0, -4)}AAAA`;
  expect((await redeem(sandbox, damaged, 'Mail.Read')).body.error_codes).toEqual([9002313]);
  const other = sandbox.addApp({});
  const foreign = refreshTokenOf(sandbox, ADA, 'Mail.Read', other.clientId);
  expect((await redeem(sandbox, foreign, 'Mail.Read')).body).toMatchObject({
    error: 'invalid_grant',
    error_codes: [70000],
  });
  const none = await askToken(sandbox, { grant_type: 'refresh_token' });
  expect(none.body).toMatchObject({ error: 'invalid_request', error_codes: [900144] });
});

test('a refresh token of a guest can be redeemed at both directories', async () => {
  const token = refreshTokenOf(sandbox, ALAN, 'openid profile offline_access User.Read');
  const scope = 'openid profile User.Read';
  const home = decodeJwt((await redeem(sandbox, token, scope, { directory: FABRIKAM })).body.id_token);
  const guest = decodeJwt((await redeem(sandbox, token, scope, { directory: CONTOSO })).body.id_token);
  expect([home['tid'], guest['tid']]).toEqual([FABRIKAM, CONTOSO]);
  expect(home['oid']).not.toBe(guest['oid']);
});

test('a user who is not in the directory is 50020', async () => {
  const token = refreshTokenOf(sandbox, ADA, 'offline_access User.Read');
  expect((await redeem(sandbox, token, 'User.Read', { directory: 'fabrikam.example' })).body.error_codes).toEqual([
    50020,
  ]);
});

test('a policy applies until it is lifted, or satisfied by a new sign-in', async () => {
  const user = sandbox.addUser({ username: 'policy@contoso.example' });
  const token = refreshTokenOf(sandbox, user.username, 'offline_access Mail.Read');
  sandbox.requirePolicy(user.username, { code: 53003, claims: '{"access_token":{}}' });
  expect((await redeem(sandbox, token, 'Mail.Read')).body).toMatchObject({
    error: 'invalid_grant',
    error_codes: [53003],
    suberror: 'message_only',
    claims: '{"access_token":{}}',
  });
  sandbox.liftPolicy(user.username);
  sandbox.requirePolicy(user.username, { code: 50076 });
  expect((await redeem(sandbox, token, 'Mail.Read')).body.suberror).toBe('basic_action');
  await codeFor(sandbox, user.username);
  expect((await redeem(sandbox, token, 'Mail.Read')).status).toBe(200);
});

test('the fifteenth equal request within five minutes is 50196', async () => {
  const token = refreshTokenOf(sandbox, ADA, 'offline_access Mail.Read User.Read');
  const outcomes: number[] = [];
  for (let turn = 0; turn < 15; turn += 1) outcomes.push((await redeem(sandbox, token, 'Mail.Read')).status);
  expect(outcomes).toEqual([...Array<number>(14).fill(200), 400]);
  expect((await redeem(sandbox, token, 'Mail.Read')).body).toMatchObject({
    error: 'invalid_grant',
    error_codes: [50196],
  });
  expect((await redeem(sandbox, token, 'User.Read')).status).toBe(200);
  sandbox.clock.advance(6 * 60 * 1000);
  expect((await redeem(sandbox, token, 'Mail.Read')).status).toBe(200);
  sandbox.settings.loopGuard = false;
  for (let turn = 0; turn < 16; turn += 1) expect((await redeem(sandbox, token, 'Mail.Read')).status).toBe(200);
  sandbox.settings.loopGuard = true;
});

test('a client that handles claims challenges gets a long-lived token with refresh_in', async () => {
  const token = refreshTokenOf(sandbox, ADA, 'offline_access Mail.Read');
  const claims = '{"access_token":{"xms_cc":{"values":["CP1"]}}}';
  const { body } = await askToken(sandbox, { grant_type: 'refresh_token', refresh_token: token, claims });
  expect(body.expires_in).toBeGreaterThanOrEqual(20 * 3600);
  expect(body.refresh_in).toBe(Math.floor(body.expires_in / 2));
  const broken = await askToken(sandbox, { grant_type: 'refresh_token', refresh_token: token, claims: '{' });
  expect(broken.body.error).toBe('invalid_request');
});

test("the client's correlation id is used, and returned on request", async () => {
  const headers = { 'client-request-id': '7e1a9c4e-0000-4000-8000-000000000001', 'return-client-request-id': 'true' };
  const answer = await redeem(sandbox, 'garbage', 'Mail.Read', { headers });
  expect(answer.body.correlation_id).toBe(headers['client-request-id']);
  expect(answer.headers.get('client-request-id')).toBe(headers['client-request-id']);
});

test('grants and consents of seeded users still work after a restart', async () => {
  const scope = `offline_access Mail.Read ${OUTLOOK}/SMTP.Send`;
  const earlier = await startSandbox({ seed: DEFAULT_SEED, userConsent: 'legacy' });
  const token = refreshTokenOf(earlier, 'grace@contoso.example', scope);
  await earlier.close();
  const later = await startSandbox({ userConsent: 'legacy' });
  expect((await redeem(later, token, `${OUTLOOK}/SMTP.Send`)).status).toBe(200);
  later.withdrawConsent('grace@contoso.example', ACME_CLIENT_ID, 'Mail.Read');
  expect((await redeem(later, token, 'Mail.Read')).body.error_codes).toEqual([65001]);
  await later.close();
});

test('`.default` gives all consented permissions, and is returned except for Graph', async () => {
  const token = refreshTokenOf(sandbox, ADA, `offline_access Mail.Read ${OUTLOOK}/SMTP.Send`);
  const outlook = (await redeem(sandbox, token, `${OUTLOOK}/.default`)).body.scope.split(' ');
  expect(outlook).toContain(`${OUTLOOK}/SMTP.Send`);
  expect(outlook).toContain(`${OUTLOOK}/.default`);
  expect((await redeem(sandbox, token, 'https://graph.microsoft.com/.default')).body.scope).not.toContain('.default');
});

test("a trailing slash is part of a resource's name, and optional in a request", async () => {
  sandbox.addResource('https://slash.example/', ['Orders.Read']);
  const token = refreshTokenOf(sandbox, ADA, 'offline_access https://slash.example//Orders.Read');
  for (const scope of ['https://slash.example//Orders.Read', 'https://slash.example/Orders.Read']) {
    const { status, body } = await redeem(sandbox, token, scope);
    expect([status, body.scope]).toEqual([200, 'https://slash.example//Orders.Read']);
    expect(decodeJwt(body.access_token).aud).toBe('https://slash.example/');
  }
  sandbox.addResource('https://plain.example', ['Orders.Read']);
  const plain = refreshTokenOf(sandbox, ADA, 'offline_access https://plain.example/Orders.Read');
  const { body } = await redeem(sandbox, plain, 'https://plain.example//Orders.Read');
  expect(body.scope).toBe('https://plain.example/Orders.Read');
});
