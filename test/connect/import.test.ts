import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImportRequest } from '../../src/connect/connection_import_request.ts';
import type { Reason } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import type { FaultInput } from '../../src/sandbox/faults/injected_faults.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ADA, ALAN, type ConnectWorld, GRACE, GRAPH, OUTLOOK, startConnectWorld } from './connect_world.ts';

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme');
});

afterEach(() => world.stop());

const refreshToken = (user = ADA, scopes?: string) => world.refreshTokenFor(user, scopes);

const take = (request: Partial<ImportRequest> = {}) =>
  world.imports.import({
    tenantId: 'acme',
    connectionId: 'ada',
    refreshToken: request.refreshToken ?? refreshToken(),
    scopes: ['Mail.ReadOnly'],
    verify: 'NOW',
    ...request,
  });

const refused = (promise: Promise<unknown>, reason: Reason) => expect(promise).rejects.toMatchObject({ reason });

function fault(input: FaultInput): Partial<ImportRequest> {
  world.sandbox.injectFault(input);
  return {};
}

const redemptions = () => world.sandbox.requests().filter(({ endpoint }) => endpoint === 'token');

describe('an import verified now', () => {
  test('redeems the token first, and stores the rotated one', async () => {
    const imported = refreshToken();
    const connection = await take({ refreshToken: imported, externalId: 'user-7', labels: { team: 'blue' } });
    expect(connection).toMatchObject({
      grantState: 'ACTIVE',
      verifyTime: expect.any(Number),
      account: { username: ADA, directoryId: CONTOSO },
      granted: { [GRAPH]: ['Mail.Read', 'User.Read'] },
      externalId: 'user-7',
      labels: { team: 'blue' },
    });
    const stored = await world.refreshTokenOf(connection);
    expect(stored).not.toBe(imported.reveal());
    expect(world.sandbox.describeRefreshToken(stored ?? '')?.id).toBe(redemptions()[0]?.issuedRefreshTokenId);
    expect(world.announced).toContainEqual({ kind: 'connection', uid: connection.uid });
  });

  test('redeems the token for each of its resources', async () => {
    await world.register('chat', { catalog: 'microsoft' });
    const both = refreshToken(ADA, `openid offline_access Mail.ReadWrite ${OUTLOOK}/IMAP.AccessAsUser.All`);
    const scopes = ['Mail.ReadWrite', `${OUTLOOK}/IMAP.AccessAsUser.All`];
    const connection = await take({ tenantId: 'chat', refreshToken: both, scopes });
    expect(Object.keys(connection.granted)).toEqual([GRAPH, OUTLOOK]);
    expect(redemptions()).toHaveLength(2);
  });

  test('accepts both names of Outlook for the same resource', async () => {
    await world.register('chat', { catalog: 'microsoft' });
    const imap = refreshToken(ADA, `openid offline_access ${OUTLOOK}/IMAP.AccessAsUser.All`);
    const scopes = ['https://outlook.office365.com/IMAP.AccessAsUser.All'];
    const connection = await take({ tenantId: 'chat', refreshToken: imap, scopes });
    expect(connection).toMatchObject({
      productScopes: [`${OUTLOOK}/IMAP.AccessAsUser.All`],
      granted: { [OUTLOOK]: ['IMAP.AccessAsUser.All'] },
    });
  });

  test('with X/.default stores all consented permissions of the resource', async () => {
    const connection = await take({ scopes: [`${GRAPH}/.default`] });
    expect(connection.granted).toEqual({ [GRAPH]: ['Mail.Read', 'User.Read'] });
  });

  test('accepts a wider permission than the scopes need', async () => {
    const connection = await take({ refreshToken: refreshToken(ADA, 'openid offline_access Mail.ReadWrite') });
    expect(connection).toMatchObject({ productScopes: ['Mail.ReadOnly'], granted: { [GRAPH]: ['Mail.ReadWrite'] } });
  });

  test.each<[string, () => Partial<ImportRequest>, Reason]>([
    ['nonsense', () => ({ refreshToken: new Secret('nonsense') }), 'REFRESH_TOKEN_REJECTED'],
    [
      'revoked',
      () => {
        const revoked = refreshToken();
        world.sandbox.revokeSessions(ADA);
        return { refreshToken: revoked };
      },
      'REFRESH_TOKEN_REJECTED',
    ],
    [
      'of another client',
      () => {
        const { clientId } = world.sandbox.addApp({ audience: 'common' });
        const foreign = world.sandbox.issueRefreshToken({ clientId, userObjectId: ADA, scopes: 'Mail.Read' });
        return { refreshToken: new Secret(foreign) };
      },
      'ENTRA_UNAVAILABLE',
    ],
    ['without consent to its scopes', () => ({ scopes: ['Calendar.ReadWrite'] }), 'SCOPE_NOT_GRANTED'],
    [
      'of a user who consented to nothing any more',
      () => {
        const imported = refreshToken();
        world.sandbox.withdrawConsent(ADA, ACME_CLIENT_ID);
        return { refreshToken: imported };
      },
      'CONSENT_REQUIRED',
    ],
    ['with an invalid directory id', () => ({ account: { directoryId: '../x' } }), 'FIELD_INVALID'],
    [
      'said to be of somebody with a novel for a name',
      () => ({ account: { username: 'x'.repeat(257) } }),
      'FIELD_INVALID',
    ],
    ['with an invalid display name', () => ({ account: { displayName: 'a\u0000b' } }), 'FIELD_INVALID'],
    [
      'of a disabled account',
      () => {
        world.sandbox.disableUser(ADA);
        return {};
      },
      'ACCOUNT_DISABLED',
    ],
    ['in an outage', () => fault({ kind: 'html', count: 9 }), 'ENTRA_UNAVAILABLE'],
    ['while Entra throttles', () => fault({ kind: 'throttle' }), 'ENTRA_THROTTLED'],
    ['of another account than claimed', () => ({ account: { username: GRACE } }), 'ACCOUNT_MISMATCH'],
    ['of another object id than claimed', () => ({ account: { objectId: 'x' } }), 'ACCOUNT_MISMATCH'],
    ['without scopes', () => ({ scopes: [] }), 'FIELD_INVALID'],
    ['with unknown scopes', () => ({ scopes: ['Mail.Reed'] }), 'SCOPE_UNKNOWN'],
  ])('%s is rejected, and stores nothing', async (_, prepare, reason) => {
    await refused(take(prepare()), reason);
    expect(await world.find()).toBeUndefined();
    expect(world.counted).toEqual([`import ${reason}`]);
  });

  test('is not rejected by one doubtful answer if Entra accepts the token a minute later', async () => {
    const imported = refreshToken();
    world.sandbox.injectFault({ kind: 'error', code: 70000, count: 1 });
    await expect(take({ refreshToken: imported })).rejects.toMatchObject({
      reason: 'ENTRA_UNAVAILABLE',
      retryAfter: 60_000,
      metadata: { doubtful: 'true', entraError: 'invalid_grant/AADSTS70000' },
    });
    expect((await take({ refreshToken: imported })).grantState).toBe('ACTIVE');
  });

  test('is rejected by two doubtful answers a minute apart', async () => {
    const imported = refreshToken();
    world.sandbox.injectFault({ kind: 'error', code: 70000, count: 3 });
    await refused(take({ refreshToken: imported }), 'ENTRA_UNAVAILABLE');
    await refused(take({ refreshToken: imported }), 'ENTRA_UNAVAILABLE');
    world.sandbox.clock.advance(60_000);
    await refused(take({ refreshToken: imported }), 'REFRESH_TOKEN_REJECTED');
  });

  test("of another directory's token names the field to set", async () => {
    world.sandbox.injectFault({ kind: 'error', code: 7000012, count: 1 });
    await expect(take({})).rejects.toThrow('account.directory_id');
  });

  test("with an expired client secret reports the app's fault", async () => {
    const imported = refreshToken();
    world.sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
    await expect(take({ refreshToken: imported })).rejects.toMatchObject({
      reason: expect.stringMatching(/^APP_CREDENTIAL_/),
    });
    expect(await world.find()).toBeUndefined();
  });

  test('of an account in a disallowed directory is rejected', async () => {
    await world.register('strict', {}, { allowedDirectoryIds: [FABRIKAM] });
    await refused(take({ tenantId: 'strict' }), 'DIRECTORY_NOT_ALLOWED');
    expect(redemptions()).toHaveLength(1);
    await refused(take({ tenantId: 'strict', account: { directoryId: CONTOSO } }), 'DIRECTORY_NOT_ALLOWED');
    expect(redemptions()).toHaveLength(1);
    expect((await take({ tenantId: 'strict', refreshToken: refreshToken(ALAN) })).account?.username).toBe(ALAN);
  });
});

describe('an import verified on first use', () => {
  test('is stored unchanged, ACTIVE, without a request to Entra', async () => {
    const imported = refreshToken();
    const connection = await take({ refreshToken: imported, verify: 'ON_FIRST_USE' });
    expect(connection).toMatchObject({
      grantState: 'ACTIVE',
      verifyTime: undefined,
      lastRefreshTime: undefined,
      granted: { [GRAPH]: ['Mail.Read'] },
      account: undefined,
    });
    expect(await world.refreshTokenOf(connection)).toBe(imported.reveal());
    expect(redemptions()).toHaveLength(0);
  });

  test('stores the claimed account for the later check', async () => {
    const account = { directoryId: CONTOSO, objectId: 'o-1' };
    expect((await take({ verify: 'ON_FIRST_USE', account })).account).toMatchObject(account);
  });

  test("keeps an existing connection's account for the later check", async () => {
    const before = await world.connect();
    const after = await take({ verify: 'ON_FIRST_USE', allowReplace: true });
    expect([after.account, after.verifyTime]).toEqual([before.account, undefined]);
    const request = { verify: 'ON_FIRST_USE', allowReplace: true } as const;
    await refused(take({ ...request, account: { directoryId: CONTOSO, objectId: 'other' } }), 'ACCOUNT_MISMATCH');
    await refused(take({ ...request, account: { username: GRACE } }), 'ACCOUNT_MISMATCH');
    expect((await take({ ...request, allowAccountChange: true })).account).toBeUndefined();
  });
});

describe('an import over an existing connection', () => {
  test('works only if it may be replaced, or has no grant yet', async () => {
    await world.start();
    const first = await take();
    await refused(take(), 'CONNECTION_EXISTS');
    const second = await take({ allowReplace: true, scopes: ['Mail.ReadOnly'] });
    expect(second.uid).toBe(first.uid);
    expect(redemptions()).toHaveLength(2);
  });

  test('rejects another account unless it may change', async () => {
    const before = await take();
    await refused(take({ allowReplace: true, refreshToken: refreshToken(GRACE) }), 'ACCOUNT_MISMATCH');
    expect(await world.find()).toEqual(before);
    const after = await take({ allowReplace: true, allowAccountChange: true, refreshToken: refreshToken(GRACE) });
    expect(after.account?.username).toBe(GRACE);
  });

  test('fences a refresh in progress', async () => {
    const before = await take();
    const held = await world.stores.grants.lease(before.uid, { owner: 'other', resource: GRAPH, duration: 60_000 });
    await take({ allowReplace: true });
    const recorded = await held?.record({
      connection: before,
      refreshToken: new Secret('stale'),
      accessToken: undefined,
    });
    expect(recorded).toBe('fenced');
  });

  test('keeps labels and external id if none are given', async () => {
    await take({ externalId: 'user-7', labels: { team: 'blue' } });
    expect(await take({ allowReplace: true })).toMatchObject({ externalId: 'user-7', labels: { team: 'blue' } });
  });

  test('is rejected if it is suspended', async () => {
    const connection = await take();
    await world.stores.connections.setSuspended(connection, 1, 1);
    await refused(take({ allowReplace: true }), 'CONNECTION_SUSPENDED');
  });
});

describe('an external id belongs to one connection of a tenant', () => {
  const taken = (promise: Promise<unknown>) =>
    expect(promise).rejects.toMatchObject({
      reason: 'CONNECTION_EXISTS',
      metadata: { field: 'external_id', resource: 'tenants/acme/connections/ada' },
    });

  beforeEach(() => take({ externalId: 'user-7', verify: 'ON_FIRST_USE' }));

  test('so a new connection is rejected before any redemption, and the error names its holder', async () => {
    const request = { connectionId: 'bob', externalId: 'user-7' } as const;
    await taken(take(request));
    await taken(take({ ...request, verify: 'ON_FIRST_USE' }));
    await taken(take({ ...request, validateOnly: true }));
    await taken(world.start({ connectionId: 'bob', externalId: 'user-7' }));
    expect(await world.find('bob')).toBeUndefined();
    expect(redemptions()).toEqual([]);
  });

  test('so an existing connection is rejected and unchanged', async () => {
    const bob = await take({ connectionId: 'bob', externalId: 'user-8', verify: 'ON_FIRST_USE' });
    const request = { connectionId: 'bob', externalId: 'user-7' };
    await taken(take({ ...request, allowReplace: true, verify: 'ON_FIRST_USE' }));
    await taken(world.start(request));
    expect(await world.find('bob')).toEqual(bob);
  });

  test('but its holder keeps it, and another tenant may use the same', async () => {
    expect((await take({ externalId: 'user-7', allowReplace: true })).externalId).toBe('user-7');
    await world.register('globex');
    expect((await take({ tenantId: 'globex', externalId: 'user-7' })).externalId).toBe('user-7');
  });

  test('so one of ten concurrent imports gets it', async () => {
    const at = (name: string) => take({ connectionId: name, externalId: 'user-9', verify: 'ON_FIRST_USE' });
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, number) => at(`c${number}`)));
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.metadata.field] : []));
    expect(reasons).toEqual(Array.from({ length: 9 }, () => 'external_id'));
  });
});

describe('validate_only', () => {
  test('returns the resulting connection, and neither stores nor redeems it, with any verify', async () => {
    const account = { directoryId: CONTOSO.toUpperCase(), objectId: 'O-1', email: 'ada@contoso.example' };
    for (const verify of ['NOW', 'ON_FIRST_USE'] as const) {
      expect(await take({ verify, account, externalId: 'user-7', validateOnly: true })).toMatchObject({
        connectionId: 'ada',
        externalId: 'user-7',
        account: { directoryId: CONTOSO, objectId: 'o-1', email: 'ada@contoso.example' },
        granted: { [GRAPH]: ['Mail.Read'] },
        grantState: 'ACTIVE',
        verifyTime: undefined,
      });
    }
    expect(await world.find()).toBeUndefined();
    expect([redemptions(), world.counted, world.announced]).toEqual([[], [], []]);
  });

  test('leaves an existing connection unchanged', async () => {
    const before = await world.connect();
    const answered = await take({ validateOnly: true, allowReplace: true, labels: { team: 'blue' } });
    expect(answered).toMatchObject({ uid: before.uid, labels: { team: 'blue' }, account: before.account });
    expect(await world.find()).toEqual(before);
  });

  test.each<[string, Partial<ImportRequest>, Reason]>([
    ['scopes', { scopes: ['Mail.Reed'] }, 'SCOPE_UNKNOWN'],
    ['an e-mail address', { account: { email: 'a\u0000' } }, 'FIELD_INVALID'],
    ['an app', { app: { tenantId: 'acme', appId: 'nothing' } }, 'APP_NOT_FOUND'],
    ['a tenant', { tenantId: 'nobody' }, 'TENANT_NOT_FOUND'],
    ['a label', { labels: { 'a b': '' } }, 'FIELD_INVALID'],
  ])('rejects an invalid value: %s', async (_, request, reason) => {
    await refused(take({ ...request, validateOnly: true }), reason);
  });

  test('rejects a connection with a grant, and a disallowed directory', async () => {
    await take();
    await refused(take({ validateOnly: true }), 'CONNECTION_EXISTS');
    await world.register('strict', {}, { allowedDirectoryIds: [FABRIKAM] });
    const account = { directoryId: CONTOSO };
    await refused(take({ tenantId: 'strict', validateOnly: true, account }), 'DIRECTORY_NOT_ALLOWED');
  });
});

describe('the e-mail address', () => {
  test("is the id token's, and contradicts no claimed one", async () => {
    expect((await take({ account: { email: 'other@example' } })).account).toMatchObject({ username: ADA, email: ADA });
  });

  test('is the claimed one if Entra sends none', async () => {
    const account = { directoryId: CONTOSO, objectId: 'o-1', email: 'ada@contoso.example' };
    expect((await take({ verify: 'ON_FIRST_USE', account })).account?.email).toBe('ada@contoso.example');
    world.sandbox.addUser({ username: 'mute@contoso.example', mail: null });
    const request = { connectionId: 'mute', refreshToken: refreshToken('mute@contoso.example') };
    const silent = await take({ ...request, account: { email: 'said@example' } });
    expect(silent).toMatchObject({ verifyTime: expect.any(Number), account: { email: 'said@example' } });
  });

  test('is stored after a consent', async () => {
    expect((await world.connect()).account?.email).toBe(ADA);
    expect((await world.find())?.account?.email).toBe(ADA);
  });
});

test('ten concurrent imports of one name create one connection', async () => {
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => take({ verify: 'ON_FIRST_USE' })));
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.reason] : []));
  expect(reasons).toEqual(Array.from({ length: 9 }, () => 'CONNECTION_EXISTS'));
});

test('a concurrent import without an account does not remove the account of the other', async () => {
  const account = { directoryId: CONTOSO, objectId: 'a1a1a1a1-0000-4000-8000-000000000001' };
  const unseen = { verify: 'ON_FIRST_USE', allowReplace: true } as const;
  await Promise.all([take({ ...unseen, account }), take(unseen)]);
  expect((await world.find())?.account).toMatchObject(account);
});

test('errors do not contain the refresh token', async () => {
  const { inspect } = await import('node:util');
  const error = await take({ refreshToken: new Secret('canary-refresh-token') }).catch((failure: unknown) => failure);
  expect(inspect(error, { depth: 10 })).not.toContain('canary');
});
