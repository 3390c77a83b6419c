import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Reason } from '../../src/model/errors.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ADA, type ConnectWorld, GRACE, startConnectWorld } from './connect_world.ts';

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme');
});

afterEach(() => world.stop());

async function consented(username = ADA, request: Parameters<ConnectWorld['start']>[0] = {}): Promise<string> {
  const { authorizationUri } = await world.start(request);
  const back = await world.walk(authorizationUri, username);
  return back.searchParams.get('confirmation') ?? '';
}

const confirm = (confirmation: string, connectionId = 'ada', tenantId = 'acme') =>
  world.authorizations.confirm({ tenantId, connectionId, confirmation });

const refused = (promise: Promise<unknown>, reason: Reason) => expect(promise).rejects.toMatchObject({ reason });

test("a victim who follows somebody else's link connects nothing for the sender", async () => {
  // Mallory starts to connect her own name, and sends Entra's address to Grace, who consents.
  const { authorizationUri } = await world.start({ connectionId: 'mallory' });
  const callback = String(await world.signIn(authorizationUri, GRACE));
  const back = new URL((await world.visit(callback)).headers.get('location') ?? '');
  const confirmation = back.searchParams.get('confirmation') ?? '';

  // Grace's browser sends the confirmation to the product, which reads the connection from Grace's own session.
  await world.start({ connectionId: 'grace' });
  await refused(confirm(confirmation, 'grace'), 'STATE_INVALID');
  // Mallory knows the state from the address, but a repeated callback returns no confirmation.
  const state = new URL(authorizationUri).searchParams.get('state') ?? '';
  const replay = await world.visit(`https://vault.example/oauth2/callback?state=${state}&code=guess`);
  expect(new URL(replay.headers.get('location') ?? '').searchParams.has('confirmation')).toBe(false);
  expect((await world.find('mallory'))?.grantState).toBe('PENDING');
});

test('a confirmation works once', async () => {
  const confirmation = await consented();
  await confirm(confirmation);
  await refused(confirm(confirmation), 'STATE_INVALID');
});

test('one of many concurrent confirmations succeeds', async () => {
  const confirmation = await consented();
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => confirm(confirmation)));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.reason] : []));
  expect(failures).toEqual(Array.from({ length: 7 }, () => 'STATE_INVALID'));
});

test('a confirmation expires after ten minutes', async () => {
  const confirmation = await consented();
  world.sandbox.clock.advance(10 * 60_000 + 1_000);
  await refused(confirm(confirmation), 'STATE_INVALID');
});

test.each(['', 'x', 'x'.repeat(43), 'x'.repeat(10_000)])('text %# is not a confirmation', async (confirmation) => {
  await consented();
  await refused(confirm(confirmation), 'STATE_INVALID');
});

test('neither the handle nor the state is a confirmation', async () => {
  const { connectUri, authorizationUri } = await world.start();
  await world.walk(authorizationUri, ADA);
  await refused(confirm(connectUri.split('/').at(-1) ?? ''), 'STATE_INVALID');
  await refused(confirm(new URL(authorizationUri).searchParams.get('state') ?? ''), 'STATE_INVALID');
});

test("another tenant's connection of the same name does not accept the confirmation", async () => {
  await world.register('globex');
  await world.start({ tenantId: 'globex' });
  const confirmation = await consented();
  await refused(confirm(confirmation, 'ada', 'globex'), 'STATE_INVALID');
  expect((await confirm(confirmation)).grantState).toBe('ACTIVE');
});

test('while the new grant waits, the old one is used and refreshed', async () => {
  const before = await world.connect();
  const old = await world.refreshTokenOf(before);
  const confirmation = await consented(ADA, { scopes: ['Mail.Send'] });
  expect(await world.refreshTokenOf(before)).toBe(old);

  const held = await world.stores.grants.lease(before.uid, { owner: 'a', resource: 'x', duration: 1_000 });
  if (held === undefined) throw new Error('no lease');
  await held.record({ connection: held.connection, refreshToken: undefined, accessToken: undefined });
  expect((await confirm(confirmation)).productScopes).toEqual(['Mail.Send']);
});

test('a directory that the tenant has since disallowed is rejected at the confirmation', async () => {
  const confirmation = await consented();
  const tenant = await world.stores.tenants.find('acme');
  if (tenant === undefined) throw new Error('no tenant');
  const strict = await world.stores.tenants.update(tenant, { ...tenant, allowedDirectoryIds: [FABRIKAM] });
  await refused(confirm(confirmation), 'DIRECTORY_NOT_ALLOWED');
  const suspended = await world.stores.tenants.update(strict, { ...strict, state: 'SUSPENDED' });
  await refused(confirm(confirmation), 'TENANT_SUSPENDED');
  await world.stores.tenants.update(suspended, { ...suspended, state: 'ACTIVE', allowedDirectoryIds: [CONTOSO] });
  expect((await confirm(confirmation)).grantState).toBe('ACTIVE');
});

test('a confirmation neither activates nor resumes a suspended connection', async () => {
  const connection = await world.connect();
  const confirmation = await consented();
  await world.stores.connections.setSuspended(connection, 1, 1);
  await refused(confirm(confirmation), 'CONNECTION_SUSPENDED');
});
