import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterRedeem,
  BLOCKED_PROBE_INTERVAL,
  LOOPING_HOLD,
  restOf,
  STRIKE_INTERVAL,
} from '../../src/model/after_redeem.ts';
import { DAY } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { Failure, FailureKind, Granted, Outcome } from '../../src/model/exchange.ts';
import { Secret } from '../../src/model/secret.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const NOW = 1_800_000_000_000;
const context = { resource: GRAPH, jitter: 0.5 };

function connectionWith(changes: Partial<Connection> = {}): Connection {
  return {
    uid: 'uid',
    tenantUid: 'tenant',
    tenantId: 'acme',
    connectionId: 'ada',
    appUid: 'app',
    appTenantId: 'acme',
    appId: 'default',
    externalId: undefined,
    labels: {},
    account: {
      directoryId: 'directory',
      objectId: 'ada',
      username: undefined,
      displayName: undefined,
      email: undefined,
    },
    productScopes: ['Mail.ReadOnly'],
    granted: { [GRAPH]: ['Mail.Read'], [OUTLOOK]: ['SMTP.Send'] },
    grantState: 'ACTIVE',
    stateEvidence: undefined,
    suspendTime: undefined,
    verifyTime: NOW - DAY,
    lastRefreshTime: NOW - DAY,
    strikeTime: undefined,
    heldUntil: undefined,
    keepAliveTime: NOW + DAY,
    createTime: 0,
    updateTime: 0,
    version: 3,
    ...changes,
  };
}

function failing(kind: FailureKind): Failure {
  return {
    kind,
    subject: 'connection',
    reason: 'REAUTHORIZATION_REQUIRED',
    entraError: 'invalid_grant/AADSTS1',
    correlationId: 'c',
    retryAfter: undefined,
    claims: undefined,
  };
}

function granting(permissions: string[]): Granted {
  const accessToken = {
    token: new Secret('t'),
    resource: GRAPH,
    permissions,
    expireTime: NOW + 1,
    refreshTime: NOW,
    correlationId: 'c',
  };
  return { kind: 'granted', accessToken, refreshToken: undefined, account: undefined };
}

const anyConnection = fc
  .record({
    grantState: fc.constantFrom('ACTIVE' as const, 'BLOCKED' as const),
    suspendTime: fc.option(fc.constant(NOW - 5), { nil: undefined }),
    strikeTime: fc.option(fc.integer({ min: NOW - DAY, max: NOW }), { nil: undefined }),
    heldUntil: fc.option(fc.integer({ min: NOW - DAY, max: NOW + DAY }), { nil: undefined }),
  })
  .map(connectionWith);
const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.array(fc.constantFrom('Mail.Read', 'Mail.Send', 'User.Read')).map(granting),
  fc
    .constantFrom<FailureKind[]>(
      'transient',
      'throttled',
      'looping',
      'app_credential',
      'app_config',
      'reauthorize',
      'consent',
      'blocked',
      'suspect',
      'ours',
    )
    .map(failing),
);

test('no answer of Entra changes who or whose a connection is, or its suspension', () => {
  fc.assert(
    fc.property(anyConnection, anyOutcome, (connection, outcome) => {
      const after = afterRedeem(connection, outcome, NOW, context);
      for (const field of [
        'uid',
        'tenantUid',
        'appUid',
        'suspendTime',
        'productScopes',
        'labels',
        'account',
      ] as const) {
        expect(after[field]).toEqual(connection[field]);
      }
      expect(after.granted[OUTLOOK]).toEqual(connection.granted[OUTLOOK]);
    }),
  );
});

test('failures of the app, of Entra and of ours leave a connection as it is', () => {
  for (const kind of ['transient', 'throttled', 'app_credential', 'app_config', 'ours'] as const) {
    const connection = connectionWith();
    expect(afterRedeem(connection, failing(kind), NOW, context)).toBe(connection);
  }
});

test('only an ACTIVE connection is due for keep-alive, and whatever is not ACTIVE has evidence', () => {
  fc.assert(
    fc.property(anyConnection, anyOutcome, (connection, outcome) => {
      const after = afterRedeem(connection, outcome, NOW, context);
      if (after === connection || after.grantState === connection.grantState) return;
      expect(after.keepAliveTime === undefined).toBe(after.grantState !== 'ACTIVE');
      expect(after.stateEvidence === undefined).toBe(after.grantState === 'ACTIVE');
    }),
  );
});

test('a token makes the connection active and its permissions the granted ones', () => {
  fc.assert(
    fc.property(anyConnection, fc.double({ min: 0, max: 1, noNaN: true }), (connection, jitter) => {
      const after = afterRedeem(connection, granting(['User.Read']), NOW, { resource: GRAPH, jitter });
      expect(after).toMatchObject({
        grantState: 'ACTIVE',
        stateEvidence: undefined,
        strikeTime: undefined,
        heldUntil: undefined,
        lastRefreshTime: NOW,
        granted: { [GRAPH]: ['User.Read'] },
      });
      expect(after.keepAliveTime).toBeGreaterThanOrEqual(NOW + 30 * DAY);
      expect(after.keepAliveTime).toBeLessThanOrEqual(NOW + 45 * DAY);
    }),
  );
});

test('each refusal moves it where the table says', () => {
  const after = (kind: FailureKind, connection = connectionWith()) =>
    afterRedeem(connection, failing(kind), NOW, context);

  expect(after('reauthorize').grantState).toBe('REAUTHORIZATION_REQUIRED');
  expect(after('blocked')).toMatchObject({ grantState: 'BLOCKED', heldUntil: NOW + BLOCKED_PROBE_INTERVAL });
  expect(after('looping')).toMatchObject({ grantState: 'ACTIVE', heldUntil: NOW + LOOPING_HOLD });
  expect(after('consent')).toMatchObject({ grantState: 'ACTIVE', granted: { [OUTLOOK]: ['SMTP.Send'] } });
  expect(after('consent').granted).not.toHaveProperty([GRAPH]);
  expect(after('consent', connectionWith({ granted: { [GRAPH]: ['Mail.Read'] } })).grantState).toBe(
    'REAUTHORIZATION_REQUIRED',
  );
});

test('a doubtful refusal needs a second one, at least a minute later', () => {
  const once = afterRedeem(connectionWith(), failing('suspect'), NOW, context);
  expect(once).toMatchObject({ grantState: 'ACTIVE', strikeTime: NOW, heldUntil: NOW + STRIKE_INTERVAL });

  expect(afterRedeem(once, failing('suspect'), NOW + STRIKE_INTERVAL - 1, context)).toBe(once);
  expect(afterRedeem(once, failing('suspect'), NOW + STRIKE_INTERVAL, context)).toMatchObject({
    grantState: 'REAUTHORIZATION_REQUIRED',
    stateEvidence: { reason: 'REAUTHORIZATION_REQUIRED' },
  });
});

test('a strike of a future that never came is no first strike, and no rest outlasts a clock that is set back', () => {
  const once = afterRedeem(connectionWith(), failing('suspect'), NOW, context);

  const again = afterRedeem(once, failing('suspect'), NOW - DAY, context);

  expect(again).toMatchObject({ grantState: 'ACTIVE', strikeTime: NOW - DAY, heldUntil: NOW - DAY + STRIKE_INTERVAL });
  for (const kind of ['suspect', 'looping', 'blocked'] as const) {
    const resting = afterRedeem(connectionWith(), failing(kind), NOW, context);
    const until = resting.heldUntil ?? 0;
    expect([restOf(resting, NOW), restOf(resting, until - 1), restOf(resting, until)]).toEqual([until - NOW, 1, 0]);
    expect(restOf(resting, NOW - 1)).toBe(kind === 'suspect' ? STRIKE_INTERVAL + 1 : 0);
    expect(restOf(resting, NOW - DAY)).toBe(0);
  }
});

test('the e-mail address follows the id token, and stays where that has none; names stay as the grant brought them', () => {
  const known = {
    directoryId: 'directory',
    objectId: 'ada',
    username: 'ada@contoso.example',
    displayName: 'Ada',
    email: 'ada@old.example',
  };
  const before = connectionWith({ account: known });
  const telling = (account: Granted['account']) =>
    afterRedeem(before, { ...granting(['Mail.Read']), account }, NOW, context);

  const told = telling({ ...known, username: 'countess', displayName: 'Countess', email: 'ada@new.example' });
  expect(told.account).toEqual({ ...known, email: 'ada@new.example' });
  expect(told.updateTime).toBe(NOW);
  for (const silent of [{ ...known, email: undefined }, known, undefined]) {
    expect(telling(silent)).toMatchObject({ account: known, updateTime: before.updateTime });
  }
  expect(telling({ ...known, objectId: 'other', email: 'other@example' }).account).toEqual(known);
});
