import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImportRequest } from '../../src/connect/imports.ts';
import type { Reason } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import type { FaultInput } from '../../src/sandbox/faults.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO, FABRIKAM } from '../../src/sandbox/seed.ts';
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

describe('verified now', () => {
  test('it is redeemed first, and the rotated one is stored', async () => {
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

  test('for each of its resources', async () => {
    await world.register('chat', { catalog: 'microsoft' });
    const both = refreshToken(ADA, `openid offline_access Mail.ReadWrite ${OUTLOOK}/IMAP.AccessAsUser.All`);
    const scopes = ['Mail.ReadWrite', `${OUTLOOK}/IMAP.AccessAsUser.All`];
    const connection = await take({ tenantId: 'chat', refreshToken: both, scopes });
    expect(Object.keys(connection.granted)).toEqual([GRAPH, OUTLOOK]);
    expect(redemptions()).toHaveLength(2);
  });

  test('a wider permission than the scopes need will do', async () => {
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
      'REFRESH_TOKEN_REJECTED',
    ],
    ['of a user who did not consent to that', () => ({ scopes: ['Calendar.ReadWrite'] }), 'SCOPE_NOT_GRANTED'],
    [
      'of a user who consented to nothing any more',
      () => {
        const imported = refreshToken();
        world.sandbox.withdrawConsent(ADA, ACME_CLIENT_ID);
        return { refreshToken: imported };
      },
      'CONSENT_REQUIRED',
    ],
    ['said to be of no directory', () => ({ account: { directoryId: '../x' } }), 'FIELD_INVALID'],
    [
      'said to be of somebody with a novel for a name',
      () => ({ account: { username: 'x'.repeat(257) } }),
      'FIELD_INVALID',
    ],
    ['said to be of a broken name', () => ({ account: { displayName: 'a\u0000b' } }), 'FIELD_INVALID'],
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
    ['of another account than was said', () => ({ account: { username: GRACE } }), 'ACCOUNT_MISMATCH'],
    ['of another object than was said', () => ({ account: { objectId: 'x' } }), 'ACCOUNT_MISMATCH'],
    ['without scopes', () => ({ scopes: [] }), 'FIELD_INVALID'],
    ['with unknown scopes', () => ({ scopes: ['Mail.Reed'] }), 'SCOPE_UNKNOWN'],
  ])('one that is %s is refused, and nothing is stored', async (_, prepare, reason) => {
    await refused(take(prepare()), reason);
    expect(await world.find()).toBeUndefined();
    expect(world.counted).toEqual([`import ${reason}`]);
  });

  test('a lapsed client secret is blamed on the app', async () => {
    const imported = refreshToken();
    world.sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
    await expect(take({ refreshToken: imported })).rejects.toMatchObject({
      reason: expect.stringMatching(/^APP_CREDENTIAL_/),
    });
    expect(await world.find()).toBeUndefined();
  });

  test('an account of a directory that the tenant does not allow is refused', async () => {
    await world.register('strict', {}, { allowedDirectoryIds: [FABRIKAM] });
    await refused(take({ tenantId: 'strict' }), 'DIRECTORY_NOT_ALLOWED');
    expect(redemptions()).toHaveLength(1);
    await refused(take({ tenantId: 'strict', account: { directoryId: CONTOSO } }), 'DIRECTORY_NOT_ALLOWED');
    expect(redemptions()).toHaveLength(1);
    expect((await take({ tenantId: 'strict', refreshToken: refreshToken(ALAN) })).account?.username).toBe(ALAN);
  });
});

describe('verified on first use', () => {
  test('it is stored as it is, ACTIVE, and Entra is not asked', async () => {
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

  test('what was said of the account is kept for the check', async () => {
    const account = { directoryId: CONTOSO, objectId: 'o-1' };
    expect((await take({ verify: 'ON_FIRST_USE', account })).account).toMatchObject(account);
  });

  test('over an existing connection the earlier account is kept for the check', async () => {
    const before = await world.connect();
    const after = await take({ verify: 'ON_FIRST_USE', allowReplace: true });
    expect([after.account, after.verifyTime]).toEqual([before.account, undefined]);
    const request = { verify: 'ON_FIRST_USE', allowReplace: true } as const;
    await refused(take({ ...request, account: { directoryId: CONTOSO, objectId: 'other' } }), 'ACCOUNT_MISMATCH');
    await refused(take({ ...request, account: { username: GRACE } }), 'ACCOUNT_MISMATCH');
    expect((await take({ ...request, allowAccountChange: true })).account).toBeUndefined();
  });
});

describe('over a connection that is there', () => {
  test('only where it may be replaced, or was never granted', async () => {
    await world.start();
    const first = await take();
    await refused(take(), 'CONNECTION_EXISTS');
    const second = await take({ allowReplace: true, scopes: ['Mail.ReadOnly'] });
    expect(second.uid).toBe(first.uid);
    expect(redemptions()).toHaveLength(2);
  });

  test('another account is refused unless it may change', async () => {
    const before = await take();
    await refused(take({ allowReplace: true, refreshToken: refreshToken(GRACE) }), 'ACCOUNT_MISMATCH');
    expect(await world.find()).toEqual(before);
    const after = await take({ allowReplace: true, allowAccountChange: true, refreshToken: refreshToken(GRACE) });
    expect(after.account?.username).toBe(GRACE);
  });

  test('a refresh that is under way is fenced', async () => {
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

  test('labels and external id stay where none are given', async () => {
    await take({ externalId: 'user-7', labels: { team: 'blue' } });
    expect(await take({ allowReplace: true })).toMatchObject({ externalId: 'user-7', labels: { team: 'blue' } });
  });

  test('not where it is suspended', async () => {
    const connection = await take();
    await world.stores.connections.setSuspended(connection, 1, 1);
    await refused(take({ allowReplace: true }), 'CONNECTION_SUSPENDED');
  });
});

test('ten imports at once of one name make one connection', async () => {
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => take({ verify: 'ON_FIRST_USE' })));
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.reason] : []));
  expect(reasons).toEqual(Array.from({ length: 9 }, () => 'CONNECTION_EXISTS'));
});

test('the refresh token shows in no error', async () => {
  const { inspect } = await import('node:util');
  const error = await take({ refreshToken: new Secret('canary-refresh-token') }).catch((failure: unknown) => failure);
  expect(inspect(error, { depth: 10 })).not.toContain('canary');
});
