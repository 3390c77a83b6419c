import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DAY, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { PERSONAL_DIRECTORY } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import type { Failure } from '../../src/model/token_request_outcome.ts';
import { FORCE_REFRESH } from '../../src/tokens/refresh_request.ts';
import { grant, openScriptedWorld, refusal, type ScriptedWorld } from './scripted_world.ts';
import { storesHolding } from './stores_holding.ts';
import { ADA, deferredCount } from './token_test_data.ts';
import { GRAPH, OUTLOOK, reasonOf } from './token_world.ts';

let world: ScriptedWorld;
let ada: Connection;
beforeEach(async () => {
  world = await openScriptedWorld();
  ada = await world.connect('ada');
});
afterEach(() => void vi.restoreAllMocks());

const LEASE = { owner: 'other', resource: GRAPH, duration: MINUTE };
const REVOKED = refusal('reauthorize', 'connection', 'REAUTHORIZATION_REQUIRED');
const AMBIGUOUS = refusal('ambiguous', 'connection', 'ENTRA_UNAVAILABLE');
const LOOP = refusal('loop_detected', 'connection', 'ENTRA_UNAVAILABLE');
const FAULT = refusal('vault_fault', 'request', 'INTERNAL');
const EVIDENCE = { reason: 'BLOCKED_BY_POLICY', entraError: 'code', correlationId: 'c', time: 400 * DAY } as const;

type Opened = ReturnType<ScriptedWorld['openRefresh']>;

/** As another process does it: nothing is announced. */
async function recordElsewhere(changes: Partial<Connection>, accessToken?: ReturnType<typeof grant>['accessToken']) {
  const held = await world.stores.grants.lease(ada.uid, LEASE);
  if (held === undefined) throw new Error('the lease is in use');
  await held.record({ connection: { ...held.connection, ...changes }, refreshToken: undefined, accessToken });
}

const replaceElsewhere = (changes: Partial<Connection> = {}) => world.replaceGrant(ada, changes);

async function stored(resource = GRAPH) {
  const held = await world.stores.grants.lease(ada.uid, { ...LEASE, resource });
  if (held === undefined) throw new Error('the lease is in use');
  const previous = held.previousRefreshToken()?.token.reveal();
  await held.release();
  return { refreshToken: held.refreshToken?.reveal(), previous, accessToken: held.accessToken?.token.reveal() };
}

/** The snapshot in memory is what the store has. */
async function expectCurrent({ snapshots }: Opened): Promise<void> {
  const { connection } = snapshots.peek(world.tenant.tenantId, 'ada') ?? {};
  expect(connection).toEqual(await world.find(ada.uid));
}

function openWithAlerts() {
  const raised: unknown[] = [];
  const alerts = {
    raise: (topic: string, { uid }: Connection, failure: Failure) => void raised.push([topic, uid, failure.kind]),
    stateChanged: ({ grantState }: Connection, failure: Failure, resource: string) =>
      void raised.push([grantState, failure, resource]),
  };
  return Object.assign(world.openRefresh({ alerts }), { raised });
}

describe('what another process did while an exchange waited for its slot prevents it', () => {
  const issue = { startTime: 0, retryTime: 400 * DAY + MINUTE, requested: undefined, evidence: EVIDENCE };

  test.each<[string, string, () => Promise<unknown>]>([
    ['a suspension', 'CONNECTION_SUSPENDED', () => world.stores.connections.setSuspended(ada, 1, 1)],
    [
      'a refusal of the grant',
      'REAUTHORIZATION_REQUIRED',
      () =>
        recordElsewhere({
          grantState: 'REAUTHORIZATION_REQUIRED',
          stateReason: { ...EVIDENCE, reason: 'REAUTHORIZATION_REQUIRED' },
        }),
    ],
    ['a narrower grant', 'SCOPE_NOT_GRANTED', () => replaceElsewhere({ granted: { [OUTLOOK]: [] } })],
    [
      'a refusal of the resource',
      'BLOCKED_BY_POLICY',
      () => recordElsewhere({ resourceIssues: { [GRAPH]: { ...issue, state: 'BLOCKED' } } }),
    ],
    ['a pause', 'ENTRA_UNAVAILABLE', () => recordElsewhere({ heldUntil: world.clock.now() + MINUTE })],
  ])('%s', async (_, reason, act) => {
    world.entra.whileWaiting = async () => void (await act());
    const opened = world.openRefresh();

    expect(await reasonOf(() => opened.refreshOf('ada', FORCE_REFRESH))).toBe(reason);

    expect(world.entra.exchanges).toEqual([]);
    // The lease is free, and the next request need not find out again.
    await stored();
    await expectCurrent(opened);
  });

  test('a containment, also one of the directory that Entra named meanwhile', async () => {
    await recordElsewhere({ account: undefined, verifyTime: undefined });
    const opened = world.openRefresh();
    world.contain('directories/other');
    expect((await opened.refreshOf('ada', FORCE_REFRESH)).source).toBe('ENTRA');

    world.entra.whileWaiting = async () => {
      const account = { ...ADA, directoryId: 'other' };
      await recordElsewhere({ account });
    };
    expect(await reasonOf(() => opened.refreshOf('ada', FORCE_REFRESH))).toBe('CONTAINED');
    expect(world.entra.exchanges).toHaveLength(1);
  });

  test('a token that it stored, if the request accepts it', async () => {
    world.entra.whileWaiting = async () => {
      const { accessToken } = grant({ resource: GRAPH, scopes: [] }, world.clock.now(), 7);
      await recordElsewhere({ account: { ...ADA, objectId: 'new' } }, accessToken);
    };

    const served = await world.openRefresh().refreshOf('ada');

    expect([served.source, served.accessToken.token.reveal()]).toEqual(['DATABASE', 'access 7']);
    expect(served.subject?.userId).toBe('new');
    expect((await world.openRefresh().refreshOf('ada', FORCE_REFRESH)).source).toBe('ENTRA');
  });

  test.each([
    ['a policy', { grantState: 'BLOCKED', stateReason: EVIDENCE, heldUntil: 400 * DAY + DAY }],
    ['a policy for the resource', { resourceIssues: { [GRAPH]: { ...issue, state: 'BLOCKED' } } }],
  ] as const)('but %s does not prevent a verification', async (_, changes) => {
    world.entra.whileWaiting = () => recordElsewhere(changes);

    const { source } = await world.openRefresh().refreshOf('ada', { ...FORCE_REFRESH, ignoreCooldown: true });

    expect(source).toBe('ENTRA');
    expect(world.entra.exchanges).toMatchObject([{ force: true }]);
  });
});

test('a connection that was moved to another app meanwhile is refreshed as that app', async () => {
  const app = { ...world.app, uid: newUid(), appId: 'second' };
  await world.stores.apps.create(app, undefined);
  world.entra.whileWaiting = async () => {
    world.entra.whileWaiting = async () => {};
    await replaceElsewhere({ appUid: app.uid, appId: app.appId });
  };
  const opened = world.openRefresh();

  expect((await opened.refreshOf('ada')).source).toBe('ENTRA');

  expect(world.entra.admissions.map((admission) => admission.app.appId)).toEqual(['default', 'second']);
  expect(world.entra.exchanges).toHaveLength(1);
  expect(opened.counted.get('fenced')).toBe(1);
});

test('a lease without a refresh token is of a pending connection', async () => {
  const stores = storesHolding(world.stores, () => ({ refreshToken: undefined }));

  expect(await reasonOf(() => world.openRefresh({ stores }).refreshOf('ada'))).toBe('CONNECTION_PENDING');
});

test('a lease that cannot be released hides no refusal', async () => {
  const stores = storesHolding(world.stores, () => ({
    release: () => Promise.reject(new Error('queued by the test')),
  }));
  world.entra.answers.push(() => FAULT);

  expect(await reasonOf(() => world.openRefresh({ stores }).refreshOf('ada'))).toBe('INTERNAL');
});

test('a token is stored with its refresh token, and what memory knows of the connection is current', async () => {
  const opened = world.openRefresh();

  await opened.refreshOf('ada');

  const tokens = { refreshToken: 'refresh 1', previous: 'first of ada', accessToken: 'access 1' };
  expect(await stored()).toEqual(tokens);
  await expectCurrent(opened);
});

test('an import is of the account that Entra names', async () => {
  await recordElsewhere({ account: undefined, verifyTime: undefined });
  world.entra.answers.push((asked) => ({ ...grant(asked, world.clock.now()), account: ada.account }));

  expect((await world.openRefresh().refreshOf('ada')).subject?.userId).toBe(ada.account?.objectId);
});

test.each([
  ['a fault of the challenge', refusal('caller', 'caller', 'FIELD_INVALID'), 'FIELD_INVALID'],
  ['what the challenge requires', REVOKED, 'REAUTHORIZATION_REQUIRED'],
])('a caller learns %s although Entra grants the same request without it', async (_, failure, reason) => {
  world.entra.refuse(failure);
  const opened = world.openRefresh();

  expect(await reasonOf(() => opened.refreshOf('ada', { ...FORCE_REFRESH, claims: '{}' }))).toBe(reason);

  expect((await stored()).accessToken).toBe('access 2');
  expect(await world.find(ada.uid)).toMatchObject({ grantState: 'ACTIVE', stateReason: undefined });
  await expectCurrent(opened);
});

test('a refusal of a grant is stored, reported, and known in memory', async () => {
  const opened = openWithAlerts();
  await opened.refreshOf('ada');
  world.entra.refuse(REVOKED, REVOKED);

  await expect(opened.refreshOf('ada', FORCE_REFRESH)).rejects.toMatchObject({
    reason: 'REAUTHORIZATION_REQUIRED',
    metadata: { entraError: 'code of reauthorize' },
  });

  expect(await world.find(ada.uid)).toMatchObject({ grantState: 'REAUTHORIZATION_REQUIRED' });
  await expectCurrent(opened);
  expect(opened.raised).toEqual([['REAUTHORIZATION_REQUIRED', REVOKED, GRAPH]]);
  expect(opened.cache.find(ada.uid, GRAPH, world.clock.now())).toBeUndefined();
});

test('a grant that is refused with and without a challenge is refused, and the caller learns the first reason', async () => {
  world.entra.refuse(refusal('blocked', 'connection', 'BLOCKED_BY_POLICY'), REVOKED);
  const opened = world.openRefresh();

  const reason = await reasonOf(() => opened.refreshOf('ada', { ...FORCE_REFRESH, claims: '{}' }));

  expect(reason).toBe('BLOCKED_BY_POLICY');
  expect((await world.find(ada.uid)).grantState).toBe('REAUTHORIZATION_REQUIRED');
});

test('a refusal of a grant that was replaced meanwhile is not about the new one', async () => {
  const opened = openWithAlerts();
  world.entra.answers.push(async () => {
    await replaceElsewhere();
    return REVOKED;
  });

  expect((await opened.refreshOf('ada')).source).toBe('ENTRA');

  expect(world.entra.exchanges.at(-1)?.refreshToken.reveal()).toBe('new grant');
  expect(opened.raised).toEqual([]);
});

test('a detected loop pauses the connection for five minutes, and changes no state', async () => {
  world.entra.refuse(LOOP);
  const opened = openWithAlerts();

  await expect(opened.refreshOf('ada')).rejects.toMatchObject({
    reason: 'ENTRA_UNAVAILABLE',
    retryAfter: 5 * MINUTE,
  });

  expect(opened.raised).toEqual([['loop_detected', ada.uid, 'loop_detected']]);
  expect(await world.find(ada.uid)).toMatchObject({
    grantState: 'ACTIVE',
    heldUntil: world.clock.now() + 5 * MINUTE,
  });
  await expectCurrent(opened);
});

test('loops of many connections are of each of them', async () => {
  const opened = world.openRefresh();
  for (let i = 0; i < 8; i++) {
    await world.connect(`user${i}`);
    world.entra.refuse(LOOP);
    await expect(opened.refreshOf(`user${i}`)).rejects.toMatchObject({ retryAfter: 5 * MINUTE });
  }
  expect(deferredCount(opened.failureDetector)).toBe(0);
});

test('a first doubtful refusal pauses its resource, or the connection, for a minute', async () => {
  const opened = openWithAlerts();
  world.entra.refuse({ ...AMBIGUOUS, subject: 'resource' });
  await expect(opened.refreshOf('ada')).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE', retryAfter: MINUTE });
  const bea = await world.connect('bea');
  world.entra.refuse(AMBIGUOUS);
  await expect(opened.refreshOf('bea')).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE', retryAfter: MINUTE });

  expect((await world.find(ada.uid)).resourceIssues[GRAPH]).toMatchObject({ state: 'ACTIVE' });
  expect((await world.find(bea.uid)).firstSuspectTime).toBe(world.clock.now());
});

test('a second doubtful refusal means that the user must sign in again', async () => {
  const opened = world.openRefresh();
  world.entra.refuse(AMBIGUOUS);
  await reasonOf(() => opened.refreshOf('ada'));
  world.clock.advance(MINUTE);
  world.entra.refuse(AMBIGUOUS);

  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('REAUTHORIZATION_REQUIRED');
});

test('a fault that is not of the grant changes nothing', async () => {
  const opened = openWithAlerts();
  world.entra.refuse(FAULT);

  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('INTERNAL');

  expect(opened.raised).toEqual([['vault_fault', ada.uid, 'vault_fault']]);
  expect(await world.find(ada.uid)).toEqual(ada);
  expect((await stored()).refreshToken).toBe('first of ada');
  // It may pass at once.
  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('OK');
});

test('a challenge is at fault although Entra cannot answer the request without it', async () => {
  world.entra.refuse(refusal('caller', 'caller', 'FIELD_INVALID'), refusal('transient', 'entra', 'ENTRA_UNAVAILABLE'));

  const work = world.openRefresh().refreshOf('ada', { ...FORCE_REFRESH, claims: '{}' });

  await expect(work).rejects.toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'claims' } });
});

test('an outage is not a fault of the challenge', async () => {
  world.entra.refuse(refusal('throttled', 'entra', 'ENTRA_THROTTLED'));

  const opened = openWithAlerts();
  expect(await reasonOf(() => opened.refreshOf('ada', { claims: '{}' }))).toBe('ENTRA_THROTTLED');
  expect(opened.raised).toEqual([]);
});

test('a token of another account is reported, and Entra is not called again for a minute', async () => {
  const opened = openWithAlerts();
  const eve = { ...ADA, objectId: 'eve' };
  world.entra.answers.push((asked) => ({ ...grant(asked, world.clock.now()), account: eve }));

  for (let i = 0; i < 2; i++) expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('INTERNAL');

  expect(opened.raised).toEqual([['account_changed', ada.uid, 'vault_fault']]);
  expect(await stored()).toMatchObject({ refreshToken: 'first of ada', accessToken: undefined });
  world.clock.advance(MINUTE);
  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('OK');
});

test('a new refresh token is kept even if its access token has expired', async () => {
  const opened = world.openRefresh();
  world.entra.answers.push((asked) => grant(asked, 0));

  await expect(opened.refreshOf('ada')).rejects.toMatchObject({
    reason: 'ENTRA_UNAVAILABLE',
    metadata: { entraError: 'http/200/expires_in' },
  });

  expect(await stored()).toMatchObject({ refreshToken: 'refresh 1', accessToken: undefined });
  await expectCurrent(opened);
});

test('an expired token of a grant that was replaced meanwhile is not stored', async () => {
  const opened = world.openRefresh();
  world.entra.answers.push(async (asked) => {
    await replaceElsewhere();
    return grant(asked, 0);
  });

  expect((await opened.refreshOf('ada')).source).toBe('ENTRA');
  expect(world.entra.exchanges.at(-1)?.refreshToken.reveal()).toBe('new grant');
});

describe('equal refusals of many connections', () => {
  async function refuseMany(opened: Opened, answer: () => void, changes: Partial<Connection> = {}): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await world.connect(`user${i}`, changes);
      answer();
      await reasonOf(() => opened.refreshOf(`user${i}`));
    }
    await opened.failureGuard.settled();
  }

  test('are deferred, until Entra grants one of them', async () => {
    const opened = openWithAlerts();
    await refuseMany(opened, () => world.entra.refuse(REVOKED));
    world.entra.refuse(REVOKED);

    await expect(opened.refreshOf('ada')).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE', retryAfter: MINUTE });
    expect(await world.find(ada.uid)).toEqual(ada);
    world.clock.advance(20 * SECOND);
    await expect(opened.refreshOf('ada')).rejects.toMatchObject({ retryAfter: 40 * SECOND });
    await world.connect('late');
    world.entra.refuse(REVOKED);
    await expect(opened.refreshOf('late')).rejects.toMatchObject({ retryAfter: 40 * SECOND });
    expect(deferredCount(opened.failureDetector)).toBe(7);

    const { source } = await opened.refreshOf('user1', { ...FORCE_REFRESH, ignoreCooldown: true });
    expect(source).toBe('ENTRA');
    expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('OK');
    expect(deferredCount(opened.failureDetector)).toBe(0);
  });

  test('are deferred, but what proves that the grant is accepted is stored', async () => {
    const account = { ...ADA, directoryId: PERSONAL_DIRECTORY };
    const granted = { [GRAPH]: ['Mail.Read'], [OUTLOOK]: ['IMAP.AccessAsUser.All'] };
    const opened = openWithAlerts();
    const prove = () => {
      world.entra.refuse(AMBIGUOUS);
      world.entra.answers.push((asked) => grant(asked, world.clock.now(), 7));
    };
    await refuseMany(opened, prove, { account, granted });
    await replaceElsewhere({ account, granted });
    opened.snapshots.clear();
    prove();

    expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('ENTRA_UNAVAILABLE');

    expect(await world.find(ada.uid)).toMatchObject({ resourceIssues: {} });
    expect(await stored(OUTLOOK)).toMatchObject({ refreshToken: 'refresh 7', accessToken: 'access 7' });
  });
});

test('a refusal of one resource of a personal account is stored with the token that proves the grant', async () => {
  const account = { ...ADA, directoryId: PERSONAL_DIRECTORY };
  await replaceElsewhere({ account, granted: { [GRAPH]: ['Mail.Read'], [OUTLOOK]: ['IMAP.AccessAsUser.All'] } });
  world.entra.refuse(AMBIGUOUS);
  const opened = world.openRefresh();
  world.clock.advance(MINUTE);

  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('CONSENT_REQUIRED');

  expect(await stored(OUTLOOK)).toEqual({ refreshToken: 'refresh 2', previous: 'new grant', accessToken: 'access 2' });
  expect(await world.find(ada.uid)).toMatchObject({
    resourceIssues: { [GRAPH]: { state: 'CONSENT_REQUIRED' } },
    lastRefreshTime: world.clock.now(),
  });
  await expectCurrent(opened);
});

test('a record is retried in growing pauses, also while the keys are unavailable, but not for a fault', async () => {
  const pauses: number[] = [];
  const sleep = async (pause: number) => void pauses.push(pause);
  let error = new VaultError('KEY_SOURCE_UNAVAILABLE', 'queued by the test');
  const stores = storesHolding(world.stores, () => ({ record: () => Promise.reject(error) }));
  const opened = world.openRefresh({ stores, timers: { ...world.timers, sleep } });

  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('KEY_SOURCE_UNAVAILABLE');
  expect(pauses).toEqual([50, 150, 400, 1_000]);
  expect(opened.counted.get('recordRetried')).toBe(4);
  error = new VaultError('RECORD_CORRUPT', 'queued by the test');
  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('RECORD_CORRUPT');
  expect(pauses).toHaveLength(4);
});

test('a record that succeeds at last is served, and the lease is free', async () => {
  let failures = 4;
  let releases = 0;
  const stores = storesHolding(world.stores, (held) => ({
    async record(what) {
      if (failures-- > 0) throw new VaultError('DATABASE_UNAVAILABLE', 'queued by the test');
      return held.record(what);
    },
    // A record frees the lease.
    async release() {
      releases++;
    },
  }));
  const opened = world.openRefresh({ stores, timers: { ...world.timers, sleep: async () => {} } });

  expect((await opened.refreshOf('ada')).source).toBe('ENTRA');
  expect(releases).toBe(0);
  expect((await stored()).accessToken).toBe('access 1');
});
