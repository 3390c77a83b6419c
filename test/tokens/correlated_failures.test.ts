import { afterEach, beforeEach, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import { ask, eventually, GRAPH, OUTLOOK, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
let users: Connection[];
beforeEach(async () => {
  world = await openTokenWorld();
  users = [];
  for (let i = 0; i < 8; i++) users.push(await world.connect(`user${i}`, { user: `user${i}@contoso.example` }));
});
afterEach(() => world.close());

async function askAll(tokens: ReturnType<TokenWorld['open']>): Promise<string[]> {
  const reasons: string[] = [];
  for (let i = 0; i < 8; i++) reasons.push(await reasonOf(() => tokens.get(ask(`user${i}`))));
  return reasons;
}

const states = async () => Promise.all(users.map(async ({ uid }) => (await world.find(uid)).grantState));
const count = (words: readonly string[], word: string) => words.filter((one) => one === word).length;

test('equal failures of many connections are deferred, and answered locally', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });

  const reasons = await askAll(tokens);

  expect(reasons.slice(4)).toEqual(Array(4).fill('ENTRA_UNAVAILABLE'));
  // Failures that were applied before the group was detected are reverted.
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  const asked = world.redemptions();
  expect(await askAll(tokens)).toEqual(Array(8).fill('ENTRA_UNAVAILABLE'));
  expect(world.redemptions()).toBe(asked);
  expect(tokens.counted.get('alert/correlated_failures')).toBe(1);
});

test('a state that is reverted is as before the failure', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await tokens.close();

  for (const before of users) {
    const { grantState, stateReason, granted, keepAliveTime, firstSuspectTime } = before;
    const known = { grantState, stateReason, granted, keepAliveTime, firstSuspectTime };
    expect(await world.find(before.uid)).toMatchObject(known);
  }
  expect(tokens.deferred()).toEqual([{ tenantId: 'acme', appId: 'default', count: 8 }]);
});

test('first doubtful failures of many connections are deferred as well', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 70000, count: 1000 });
  await askAll(tokens);
  await tokens.close();

  for (const { uid } of users) expect((await world.find(uid)).firstSuspectTime).toBeUndefined();
});

test("refusals of the vault itself are not Entra's, so each of them is applied", async () => {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, allowedDirectoryIds: ['elsewhere'] });
  const unverified = { account: undefined, verifyTime: undefined };
  for (let i = 0; i < 6; i++) await world.connect(`import${i}`, { changes: unverified });
  const tokens = world.open();

  for (let i = 0; i < 6; i++) expect(await reasonOf(() => tokens.get(ask(`import${i}`)))).toBe('DIRECTORY_NOT_ALLOWED');
});

test('a probe that succeeds dissolves the group', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  world.sandbox.clearFaults();

  world.timers.tick();
  const asked = world.redemptions();
  world.sandbox.clock.advance(61 * SECOND);
  world.timers.tick();
  await eventually(() => world.redemptions()).toBe(asked + 1);

  await eventually(() => askAll(tokens)).toEqual(Array(8).fill('OK'));
});

test('two more equal failures apply all', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  const asked = world.redemptions();

  world.sandbox.clock.advance(61 * SECOND);
  world.timers.tick();
  await eventually(() => world.redemptions()).toBe(asked + 1);
  expect(count(await states(), 'ACTIVE')).toBe(8);

  world.sandbox.clock.advance(4 * MINUTE);
  world.timers.tick();

  await eventually(states).toEqual(Array(8).fill('REAUTHORIZATION_REQUIRED'));
  expect(world.redemptions()).toBe(asked + 2);
  expect(await askAll(tokens)).toEqual(Array(8).fill('REAUTHORIZATION_REQUIRED'));
});

test('a few revoked grants among many valid ones are applied', async () => {
  for (let i = 8; i < 30; i++) users.push(await world.connect(`user${i}`, { user: `user${i}@contoso.example` }));
  const tokens = world.open();
  for (let i = 8; i < 30; i++) await tokens.get(ask(`user${i}`));
  for (let i = 0; i < 5; i++) world.sandbox.revokeSessions(`user${i}@contoso.example`);

  await askAll(tokens);

  expect(count(await states(), 'REAUTHORIZATION_REQUIRED')).toBe(5);
});

test('a probe that is refused for its own reason does not keep the others deferred', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  world.sandbox.clearFaults();
  world.sandbox.requirePolicy('user0@contoso.example', { code: 53003 });

  world.sandbox.clock.advance(61 * SECOND);
  world.timers.tick();
  await eventually(async () => (await states())[0]).toBe('BLOCKED');
  world.timers.tick();

  await eventually(() => askAll(tokens)).toEqual(['BLOCKED_BY_POLICY', ...Array(7).fill('OK')]);
});

type Lease = TokenWorld['stores']['grants']['lease'];

/** The real stores; `onRevert` replaces the lease under which a state is reverted or applied later. */
function storesWith(onRevert: (uid: string, lease: () => ReturnType<Lease>) => ReturnType<Lease>) {
  const { grants } = world.stores;
  const lease: Lease = (uid, request) => {
    const real = () => grants.lease(uid, request);
    // A refresh leases for its resource.
    return request.resource === '' ? onRevert(uid, real) : real();
  };
  return { ...world.stores, grants: { ...grants, lease } };
}

/** As by another replica, which has not announced it here. */
async function grantAgain(uid: string | undefined): Promise<void> {
  const before = await world.find(uid ?? '');
  const token = world.sandbox.issueRefreshToken({
    clientId: world.app.clientId,
    userObjectId: before.account?.objectId ?? '',
    scopes: ['Mail.Read', 'offline_access'],
  });
  const granted = { [GRAPH]: ['Mail.Read'] };
  const change = { granted, grantState: 'ACTIVE', stateReason: undefined, updateTime: world.clock.now() } as const;
  await world.stores.connections.replaceGrant(before, { ...before, ...change }, new Secret(token));
}

const leaseOfOther = (uid: string) =>
  world.stores.grants.lease(uid, { owner: 'other', resource: GRAPH, duration: MINUTE });

test('closing waits until the states are reverted', async () => {
  const gate = Promise.withResolvers<void>();
  const tokens = world.open({
    stores: storesWith(async (_, lease) => {
      await gate.promise;
      return lease();
    }),
  });
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);

  const closed = tokens.close();
  gate.resolve();
  await closed;

  expect(await states()).toEqual(Array(8).fill('ACTIVE'));
});

test('a failure is reverted when the database is available again, unless that takes too long', async () => {
  const attempts = new Map<string, number>();
  const [corrupt, never, late] = users.map(({ uid }) => uid);
  const tokens = world.open({
    stores: storesWith(async (uid, lease) => {
      const attempt = (attempts.get(uid) ?? 0) + 1;
      attempts.set(uid, attempt);
      if (uid === corrupt) throw new VaultError('RECORD_CORRUPT', 'queued by the test');
      if (uid === never) throw new VaultError('KEY_SOURCE_UNAVAILABLE', 'queued by the test');
      if (uid === late && attempt < 3) throw new VaultError('DATABASE_UNAVAILABLE', 'queued by the test');
      return lease();
    }),
  });
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });

  await askAll(tokens);
  await tokens.close();

  const refused = ['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED'];
  expect(await states()).toEqual([...refused, ...Array(6).fill('ACTIVE')]);
  expect(users.map(({ uid }) => attempts.get(uid))).toEqual([1, 30, 3, 1, ...Array(4).fill(undefined)]);
});

test('a state is reverted under a lease, for which it waits', async () => {
  const [first] = users.map(({ uid }) => uid);
  const seen: string[] = [];
  let other: Awaited<ReturnType<typeof leaseOfOther>>;
  const tokens = world.open({
    stores: storesWith(async (uid, lease) => {
      if (uid !== first) return lease();
      if (seen.length === 0) other = await leaseOfOther(uid);
      else await other?.release();
      const held = await lease();
      seen.push(held === undefined ? 'waits' : 'held');
      if (held !== undefined && (await leaseOfOther(uid)) !== undefined) seen.push('lost');
      return held;
    }),
  });
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });

  await askAll(tokens);
  await tokens.close();

  expect(seen).toEqual(['waits', 'held']);
  expect(await states()).toEqual(Array(8).fill('ACTIVE'));
});

test.each(['before', 'after'])('a grant that was replaced %s the lease stays as it is', async (when) => {
  const [first] = users.map(({ uid }) => uid);
  let attempts = 0;
  const tokens = world.open({
    stores: storesWith(async (uid, lease) => {
      if (uid !== first) return lease();
      attempts++;
      if (when === 'before') await grantAgain(uid);
      const held = await lease();
      if (when === 'after') await grantAgain(uid);
      return held;
    }),
  });
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });

  await askAll(tokens);
  await tokens.close();

  expect(attempts).toBe(1);
  expect((await world.find(first ?? '')).granted).toEqual({ [GRAPH]: ['Mail.Read'] });
  expect(await leaseOfOther(first ?? '')).toBeDefined();
});

test('a grant that was replaced while its failure was deferred is not refused with the others', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  world.sandbox.clock.advance(SECOND);
  await grantAgain(users[7]?.uid);

  await probeTwice();

  await eventually(states).toEqual([...Array(7).fill('REAUTHORIZATION_REQUIRED'), 'ACTIVE']);
  await tokens.close();
  expect((await states())[7]).toBe('ACTIVE');
});

async function probeTwice(): Promise<void> {
  for (const wait of [61 * SECOND, 4 * MINUTE]) {
    const asked = world.redemptions();
    world.sandbox.clock.advance(wait);
    await eventually(() => {
      world.timers.tick();
      return world.redemptions();
    }).toBeGreaterThan(asked);
  }
}

test('connections that were deleted while deferred delay no other change', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  let looks = 0;
  const [gone] = users.splice(1, 1);
  if (gone !== undefined) await world.stores.connections.delete(gone);
  const { lease } = world.stores.grants;
  Object.assign(world.stores.grants, {
    lease(...args: Parameters<typeof lease>) {
      if (args[0] === gone?.uid) looks++;
      return lease(...args);
    },
  });

  await probeTwice();

  await eventually(states).toEqual(Array(7).fill('REAUTHORIZATION_REQUIRED'));
  expect(looks).toBeLessThan(5);
});

const IMAP = `${OUTLOOK}/IMAP.AccessAsUser.All`;

async function connectBoth(changes: Partial<Connection> = {}): Promise<Connection[]> {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, catalog: 'microsoft' });
  const scopes = ['Mail.Read', IMAP];
  const both: Connection[] = [];
  for (let i = 0; i < 6; i++) both.push(await world.connect(`both${i}`, { scopes, productScopes: scopes, changes }));
  return both;
}
const outlookFails = (code: number) =>
  world.sandbox.injectFault({ kind: 'error', code, error: 'invalid_grant', resource: OUTLOOK, count: 1000 });

test.each([53003, 65001])('equal failures (%i) of one resource are deferred for that resource alone', async (code) => {
  const both = await connectBoth();
  const tokens = world.open();
  const get = (scope: string, i: number) => reasonOf(() => tokens.get(ask(`both${i}`, { scopes: [scope] })));
  outlookFails(code);

  const reasons: string[] = [];
  for (let i = 0; i < 6; i++) reasons.push(await get(IMAP, i));

  expect(reasons.slice(4)).toEqual(['ENTRA_UNAVAILABLE', 'ENTRA_UNAVAILABLE']);
  for (let i = 0; i < 6; i++) expect(await get('Mail.Read', i)).toBe('OK');
  // Failures that were applied before are reverted.
  await eventually(async () =>
    Promise.all(both.map(async ({ uid }) => (await world.find(uid)).resourceIssues)),
  ).toEqual(Array(6).fill({}));
  for (const { uid, granted } of both) expect((await world.find(uid)).granted).toEqual(granted);
  expect(await get(IMAP, 0)).toBe('ENTRA_UNAVAILABLE');
});

test('a resource that was refused before gets its earlier refusal back', async () => {
  const evidence = { reason: 'CONSENT_REQUIRED', entraError: 'e', correlationId: 'c', time: 1 } as const;
  const now = world.clock.now();
  const requested = ['IMAP.AccessAsUser.All'];
  const issue = { state: 'CONSENT_REQUIRED', evidence, startTime: now, retryTime: now, requested } as const;
  const both = await connectBoth({ granted: { [GRAPH]: ['Mail.Read'] }, resourceIssues: { [OUTLOOK]: issue } });
  const tokens = world.open();
  outlookFails(53003);

  for (let i = 0; i < 6; i++) await reasonOf(() => tokens.get(ask(`both${i}`, { scopes: [IMAP] })));
  await tokens.close();

  for (const { uid, granted } of both)
    expect(await world.find(uid)).toMatchObject({ granted, resourceIssues: { [OUTLOOK]: issue } });
});

test('a resource that was granted again in the meantime stays as it is', async () => {
  const [first] = await connectBoth();
  const tokens = world.open({
    stores: storesWith(async (uid, lease) => {
      if (uid === first?.uid) {
        const before = await world.find(uid);
        const granted = { ...before.granted, [OUTLOOK]: ['SMTP.Send'] };
        const token = new Secret('of another replica');
        await world.stores.connections.replaceGrant(before, { ...before, granted, resourceIssues: {} }, token);
      }
      return lease();
    }),
  });
  outlookFails(53003);

  for (let i = 0; i < 6; i++) await reasonOf(() => tokens.get(ask(`both${i}`, { scopes: [IMAP] })));
  await tokens.close();

  expect((await world.find(first?.uid ?? '')).granted[OUTLOOK]).toEqual(['SMTP.Send']);
});

test('a cached token of a resource is not served once its refusal is confirmed', async () => {
  await connectBoth();
  const tokens = world.open();
  const get = (i: number, minTtl = MINUTE) => reasonOf(() => tokens.get(ask(`both${i}`, { scopes: [IMAP], minTtl })));
  for (let i = 0; i < 6; i++) await get(i);
  world.sandbox.clock.advance(5 * MINUTE);
  outlookFails(53003);
  for (let i = 0; i < 6; i++) await get(i, 58 * MINUTE);
  expect(await get(5)).toBe('OK');

  await probeTwice();

  await eventually(() => get(5)).toBe('BLOCKED_BY_POLICY');
});
