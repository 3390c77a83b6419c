import { afterEach, beforeEach, expect, test } from 'vitest';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import {
  ADA,
  ALAN,
  type ConnectWorld,
  GRACE,
  GRAPH,
  OUTLOOK,
  OWN_CALLBACK,
  RETURN_URL,
  startConnectWorld,
} from './connect_world.ts';

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme');
});

afterEach(() => world.stop());

test('a user connects through the real addresses, and the confirmation activates the grant', async () => {
  const started = await world.start();
  expect((await world.find())?.grantState).toBe('PENDING');

  const back = await world.walk(started.authorizationUri, ADA);
  expect(`${back.origin}${back.pathname}`).toBe(RETURN_URL);
  expect([back.searchParams.get('connection'), back.searchParams.get('outcome')]).toEqual([
    'tenants/acme/connections/ada',
    'granted',
  ]);
  expect((await world.find())?.grantState).toBe('PENDING');

  const confirmation = back.searchParams.get('confirmation') ?? '';
  const connection = await world.authorizations.confirm({ tenantId: 'acme', connectionId: 'ada', confirmation });
  expect(connection).toMatchObject({
    grantState: 'ACTIVE',
    productScopes: ['Mail.ReadOnly'],
    granted: { [GRAPH]: ['Mail.Read', 'MailboxSettings.Read', 'User.Read'] },
    account: { username: ADA },
  });
  expect(await world.refreshTokenOf(connection)).toBeTruthy();
  expect(world.announced).toContainEqual({ kind: 'connection', uid: connection.uid });
  expect(world.audited).toMatchObject([
    { method: 'web/callback', status: 'OK', resource: 'tenants/acme/connections/ada' },
  ]);
});

test('the authorization URL requests everything at once, with PKCE, state and nonce', async () => {
  const { authorizationUri } = await world.start();
  const { searchParams } = new URL(authorizationUri);
  expect(searchParams.get('scope')?.split(' ').sort()).toEqual(
    [
      `${GRAPH}/Mail.Read`,
      `${GRAPH}/MailboxSettings.Read`,
      `${GRAPH}/User.Read`,
      'email',
      'offline_access',
      'openid',
      'profile',
    ].sort(),
  );
  expect(searchParams.get('redirect_uri')).toBe(OWN_CALLBACK);
  expect(searchParams.get('code_challenge_method')).toBe('S256');
  expect(searchParams.get('prompt')).toBe('select_account');
  for (const name of ['state', 'nonce', 'code_challenge']) expect(searchParams.get(name)).toMatch(/^[\w-]{43}$/);
});

test('one consent spans two resources, and the granted permissions of each are stored', async () => {
  await world.register('chat', { catalog: 'microsoft' });
  const connection = await world.connect({
    tenantId: 'chat',
    connectionId: 'inbox',
    scopes: [
      'email',
      'profile',
      'offline_access',
      'openid',
      'Mail.ReadWrite',
      'Mail.Send',
      `${OUTLOOK}/IMAP.AccessAsUser.All`,
      `${OUTLOOK}/SMTP.Send`,
    ],
  });
  expect(connection.granted).toEqual({
    [GRAPH]: ['Mail.ReadWrite', 'Mail.Send', 'MailboxSettings.Read', 'User.Read'],
    [OUTLOOK]: ['IMAP.AccessAsUser.All', 'SMTP.Send'],
  });
  // The newest of the rotated refresh tokens is stored.
  const issued = world.sandbox.requests().filter(({ endpoint }) => endpoint === 'token');
  const stored = world.sandbox.describeRefreshToken((await world.refreshTokenOf(connection)) ?? '');
  expect(issued).toHaveLength(2);
  expect(stored?.id).toBe(issued[1]?.issuedRefreshTokenId);
});

test('OIDC scopes alone mean Graph', async () => {
  await world.register('bot', { catalog: 'microsoft', implicitPermissions: [] });
  const connection = await world.connect({
    tenantId: 'bot',
    connectionId: 'u',
    scopes: ['openid', 'profile', 'email'],
  });
  expect(Object.keys(connection.granted)).toEqual([GRAPH]);
  expect(connection.grantState).toBe('ACTIVE');
});

test('a mail scanner that opens the link does not use it up', async () => {
  const { connectUri } = await world.start();
  for (const method of ['GET', 'HEAD', 'GET', 'GET']) {
    expect((await world.visit(connectUri, { method })).status).toBe(200);
  }
  const pressed = await world.visit(connectUri, { method: 'POST' });
  expect(pressed.status).toBe(303);
  const back = await world.walk(pressed.headers.get('location') ?? '', ADA);
  expect(back.searchParams.get('outcome')).toBe('granted');
});

test('the link can be pressed twice, works for a day, and is invalid after the consent', async () => {
  const { connectUri } = await world.start();
  const first = await world.visit(connectUri, { method: 'POST' });
  world.sandbox.clock.advance(23 * 3_600_000);
  const second = await world.visit(connectUri, { method: 'POST' });
  const state = (answer: Response) => new URL(answer.headers.get('location') ?? '').searchParams.get('state');
  expect(state(first)).not.toBe(state(second));
  await world.walk(second.headers.get('location') ?? '', ADA);
  expect((await world.visit(connectUri)).status).toBe(404);

  const other = await world.start();
  world.sandbox.clock.advance(24 * 3_600_000);
  expect((await world.visit(other.connectUri)).status).toBe(404);
  expect((await world.visit(other.connectUri, { method: 'POST' })).status).toBe(404);
});

test('with auto_confirm the callback activates the grant', async () => {
  const started = await world.start({ autoConfirm: true });
  const callback = await world.signIn(started.authorizationUri, ADA);
  const answer = await world.visit(String(callback));
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('Connected')]);
  expect((await world.find())?.grantState).toBe('ACTIVE');

  const withReturn = await world.start({ autoConfirm: true, returnUrl: RETURN_URL });
  const back = await world.walk(withReturn.authorizationUri, ADA);
  expect([back.searchParams.get('outcome'), back.searchParams.get('confirmation')]).toEqual(['granted', null]);
});

test('a repeated callback shows the first outcome, and never the confirmation again', async () => {
  const { authorizationUri } = await world.start();
  const callback = String(await world.signIn(authorizationUri, ADA));
  const answers = await Promise.all([world.visit(callback), world.visit(callback), world.visit(callback)]);
  const backs = answers.map((answer) => new URL(answer.headers.get('location') ?? ''));
  expect(backs.map((back) => back.searchParams.get('outcome'))).toEqual(['granted', 'granted', 'granted']);
  expect(backs.filter((back) => back.searchParams.has('confirmation'))).toHaveLength(1);
  expect(world.sandbox.requests().filter(({ endpoint }) => endpoint === 'token')).toHaveLength(1);
  expect(world.audited).toHaveLength(1);
});

test('a user who declines sees that, and the old grant stays', async () => {
  const before = await world.connect();
  const started = await world.start({ scopes: ['Mail.Send'] });
  const callback = String(await world.signIn(started.authorizationUri, ADA, { declines: true }));
  for (let times = 0; times < 2; times += 1) {
    const back = await world.wayBack(await world.visit(callback));
    expect(back.searchParams.get('outcome')).toBe('authorization_declined');
  }
  expect(await world.find()).toEqual(before);
  expect(world.audited.at(-1)).toMatchObject({ status: 'AUTHORIZATION_DECLINED' });
  expect((await world.visit(started.connectUri)).status).toBe(404);
});

test('a consent that needs an administrator has that outcome', async () => {
  world.sandbox.injectFault({ endpoint: 'authorize', kind: 'error', code: 90094 });
  const { authorizationUri } = await world.start();
  const back = await world.walk(authorizationUri, ADA);
  expect(back.searchParams.get('outcome')).toBe('admin_consent_required');
});

test('users who may not consent return from Entra as if they had declined', async () => {
  const lab = world.sandbox.addDirectory({ domain: 'strict.example', userConsent: 'none' });
  world.sandbox.addUser({ username: 'eve@strict.example', directoryId: lab.id });
  const { authorizationUri } = await world.start();
  const back = await world.walk(authorizationUri, 'eve@strict.example');
  expect(back.searchParams.get('outcome')).toBe('authorization_declined');
});

test('another account, or one of a disallowed directory, fails at the callback', async () => {
  const before = await world.connect();
  const { authorizationUri } = await world.start();
  const other = await world.walk(authorizationUri, GRACE);
  expect([other.searchParams.get('outcome'), other.searchParams.has('confirmation')]).toEqual([
    'account_mismatch',
    false,
  ]);
  expect(await world.find()).toEqual(before);

  await world.register('strict', {}, { allowedDirectoryIds: [FABRIKAM] });
  const strict = await world.start({ tenantId: 'strict' });
  const foreign = await world.walk(strict.authorizationUri, ADA);
  expect([foreign.searchParams.get('outcome'), foreign.searchParams.has('confirmation')]).toEqual([
    'directory_not_allowed',
    false,
  ]);
});

test('a personal account connects, and a guest at the named directory', async () => {
  await world.register('chat', { catalog: 'microsoft' });
  const scopes = ['Mail.ReadWrite', `${OUTLOOK}/IMAP.AccessAsUser.All`];
  const personal = await world.connect({ tenantId: 'chat', connectionId: 'bob', scopes }, 'bob@outlook.example');
  expect([personal.grantState, Object.keys(personal.granted)]).toEqual(['ACTIVE', [GRAPH, OUTLOOK]]);
  const guest = await world.connect({ tenantId: 'chat', connectionId: 'alan', scopes, directoryId: CONTOSO }, ALAN);
  expect(guest.account?.directoryId).toBe(CONTOSO);
});

test('an internal error is a plain 500, audited, and fails the authorization', async () => {
  const { authorizationUri, connectUri } = await world.start();
  const callback = String(await world.signIn(authorizationUri, ADA));
  world.mistake.next = new TypeError('canary');
  const answer = await world.visit(callback);
  expect([answer.status, (await answer.text()).includes('canary')]).toEqual([500, false]);
  expect(world.audited).toMatchObject([{ status: 'INTERNAL' }]);
  expect((await world.visit(connectUri)).status).toBe(404);
});

test('a consent that cannot be audited is not confirmed', async () => {
  world.audit.broken = true;
  const { authorizationUri } = await world.start();
  const back = await world.walk(authorizationUri, ADA);
  expect([back.searchParams.get('outcome'), back.searchParams.has('confirmation')]).toEqual([
    'audit_unavailable',
    false,
  ]);
});

test('a repeated callback after a database outage at the last step is not GRANTED', async () => {
  const { connectUri, authorizationUri } = await world.start({ autoConfirm: true, returnUrl: RETURN_URL });
  const callback = String(await world.signIn(authorizationUri, ADA));
  const { authorizations } = world.stores;
  const { confirm } = authorizations;
  Object.assign(authorizations, { confirm: world.outage });
  const outcomes: (string | null)[] = [];
  for (let times = 0; times < 2; times += 1) {
    const answer = await world.visit(callback);
    outcomes.push((await world.wayBack(answer)).searchParams.get('outcome'));
  }
  expect(outcomes).toEqual(['database_unavailable', 'state_invalid']);
  expect((await world.find())?.grantState).toBe('PENDING');

  Object.assign(authorizations, { confirm });
  const pressed = await world.visit(connectUri, { method: 'POST' });
  const back = await world.walk(pressed.headers.get('location') ?? '', ADA);
  expect(back.searchParams.get('outcome')).toBe('granted');
  expect((await world.find())?.grantState).toBe('ACTIVE');
});

test('an outage of Entra leaves the link valid', async () => {
  const { connectUri, authorizationUri } = await world.start();
  const callback = String(await world.signIn(authorizationUri, ADA));
  world.sandbox.injectFault({ kind: 'html', count: 5 });
  const failed = await world.wayBack(await world.visit(callback));
  expect(failed.searchParams.get('outcome')).toBe('entra_unavailable');
  world.sandbox.clearFaults();
  const pressed = await world.visit(connectUri, { method: 'POST' });
  const back = await world.walk(pressed.headers.get('location') ?? '', ADA);
  expect(back.searchParams.get('outcome')).toBe('granted');
});
