import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY, MINUTE } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import {
  afterRedeem,
  BLOCKED_PROBE_INTERVAL,
  cooldownRemaining,
  LOOPING_COOLDOWN,
} from '../../src/model/connection_after_redeem.ts';
import { resourceCooldownRemaining, SUSPECT_INTERVAL } from '../../src/model/connection_resource_issue.ts';
import { isGrantSound, mayBeVerified, resourcesOf } from '../../src/model/connection_resource_states.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Failure, FailureKind, FailureSubject, Granted, Outcome } from '../../src/model/token_request_outcome.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const NOW = 1_800_000_000_000;

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
    resourceIssues: {},
    grantState: 'ACTIVE',
    stateReason: undefined,
    suspendTime: undefined,
    verifyTime: NOW - DAY,
    lastRefreshTime: NOW - DAY,
    firstSuspectTime: undefined,
    heldUntil: undefined,
    keepAliveTime: NOW + DAY,
    createTime: 0,
    updateTime: 0,
    version: 3,
    ...changes,
  };
}

function failing(kind: FailureKind, subject: FailureSubject = 'connection'): Failure {
  return {
    kind,
    subject,
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
    firstSuspectTime: fc.option(fc.integer({ min: NOW - DAY, max: NOW }), { nil: undefined }),
    heldUntil: fc.option(fc.integer({ min: NOW - DAY, max: NOW + DAY }), { nil: undefined }),
  })
  .map(connectionWith);
const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.array(fc.constantFrom('Mail.Read', 'Mail.Send', 'User.Read')).map(granting),
  fc
    .constantFrom<FailureKind[]>(
      'transient',
      'throttled',
      'loop_detected',
      'app_credential',
      'app_config',
      'reauthorize',
      'consent',
      'blocked',
      'ambiguous',
      'vault_fault',
    )
    .chain((kind) =>
      fc.constantFrom<FailureSubject[]>('connection', 'resource').map((subject) => failing(kind, subject)),
    ),
);

test('no response of Entra changes identity, owner or suspension of a connection', () => {
  fc.assert(
    fc.property(anyConnection, anyOutcome, (connection, outcome) => {
      const after = afterRedeem(connection, outcome, NOW, GRAPH);
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
      expect(after.resourceIssues[OUTLOOK]).toBeUndefined();
    }),
  );
});

test('failures of the app, of Entra or of the vault do not change a connection', () => {
  for (const kind of ['transient', 'throttled', 'app_credential', 'app_config', 'caller', 'vault_fault'] as const) {
    const connection = connectionWith();
    expect(afterRedeem(connection, failing(kind), NOW, GRAPH)).toBe(connection);
  }
});

test('a connection is due for keep-alive while its grant is sound, and has a reason unless ACTIVE', () => {
  const anyAnswer = fc.record({
    outcome: anyOutcome,
    resource: fc.constantFrom(GRAPH, OUTLOOK),
    wait: fc.integer({ min: 0, max: 2 * DAY }),
  });
  fc.assert(
    fc.property(fc.array(anyAnswer, { maxLength: 12 }), (answers) => {
      let connection = connectionWith();
      let now = NOW;
      for (const { outcome, resource, wait } of answers) {
        now += wait;
        const answer =
          outcome.kind === 'granted' ? { ...outcome, accessToken: { ...outcome.accessToken, resource } } : outcome;
        connection = afterRedeem(connection, answer, now, resource);
        const states = resourcesOf(connection).map(({ state }) => state);
        expect(connection.keepAliveTime === undefined).toBe(!isGrantSound(connection));
        expect(connection.stateReason === undefined).toBe(connection.grantState === 'ACTIVE');
        if (!isGrantSound(connection)) expect(new Set(states)).toEqual(new Set([connection.grantState]));
        else expect(states.includes('ACTIVE')).toBe(connection.grantState === 'ACTIVE');
        expect(cooldownRemaining(connection, now)).toBeLessThanOrEqual(DAY);
        for (const issue of Object.values(connection.resourceIssues)) {
          expect(resourceCooldownRemaining(issue, now)).toBeLessThanOrEqual(DAY);
        }
      }
    }),
  );
});

test('a refused grant keeps the resources that waited for consent', () => {
  const withoutConsent = afterRedeem(connectionWith(), failing('consent', 'resource'), NOW, GRAPH);
  const after = afterRedeem(withoutConsent, failing('reauthorize', 'connection'), NOW, GRAPH);
  expect(after.granted).toEqual(connectionWith().granted);
  expect(resourcesOf(after).map(({ state }) => state)).not.toContain('CONSENT_REQUIRED');
});

test('a token makes the connection active and its permissions the granted ones', () => {
  fc.assert(
    fc.property(anyConnection, fc.uuid(), (known, uid) => {
      const connection = { ...known, uid };
      const after = afterRedeem(connection, granting(['User.Read']), NOW, GRAPH);
      expect(after).toMatchObject({
        grantState: 'ACTIVE',
        stateReason: undefined,
        firstSuspectTime: undefined,
        heldUntil: undefined,
        lastRefreshTime: NOW,
        granted: { [GRAPH]: ['User.Read'] },
      });
      expect(after.keepAliveTime).toBeGreaterThanOrEqual(NOW + 30 * DAY);
      expect(after.keepAliveTime).toBeLessThanOrEqual(NOW + 45 * DAY);
    }),
  );
});

test('each refusal leads to the state in the table', () => {
  const after = (kind: FailureKind, connection = connectionWith()) =>
    afterRedeem(connection, failing(kind), NOW, GRAPH);

  expect(after('reauthorize').grantState).toBe('REAUTHORIZATION_REQUIRED');
  expect(after('blocked')).toMatchObject({ grantState: 'BLOCKED', heldUntil: NOW + BLOCKED_PROBE_INTERVAL });
  expect(after('loop_detected')).toMatchObject({ grantState: 'ACTIVE', heldUntil: NOW + LOOPING_COOLDOWN });
});

test.each([
  ['consent', 'CONSENT_REQUIRED', MINUTE],
  ['reauthorize', 'REAUTHORIZATION_REQUIRED', DAY],
  ['blocked', 'BLOCKED', DAY],
] as const)('a refusal of one resource (%s) is the state of that resource alone', (kind, state, pause) => {
  const before = connectionWith({ firstSuspectTime: NOW - 1, keepAliveTime: NOW + 5 });
  const after = afterRedeem(before, failing(kind, 'resource'), NOW, GRAPH);

  expect(after).toMatchObject({
    grantState: 'ACTIVE',
    stateReason: undefined,
    firstSuspectTime: NOW - 1,
    keepAliveTime: NOW + 5,
    resourceIssues: { [GRAPH]: { state, retryTime: NOW + pause } },
  });
  expect(resourcesOf(after)).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ resource: OUTLOOK, state: 'ACTIVE', permissions: ['SMTP.Send'] }),
      expect.objectContaining({ resource: GRAPH, state, permissions: ['Mail.Read'] }),
    ]),
  );
  expect(after.granted[GRAPH]).toEqual(kind === 'consent' ? undefined : ['Mail.Read']);

  const healed = afterRedeem(after, granting(['Mail.Read']), NOW + 1, GRAPH);
  expect(healed).toMatchObject({ grantState: 'ACTIVE', resourceIssues: {}, updateTime: NOW + 1 });
  expect(healed.granted[GRAPH]).toEqual(['Mail.Read']);
});

test('a connection without an ACTIVE resource requires its user if that helps one, else an administrator', () => {
  const refuse = (connection: Connection, kind: FailureKind, resource: string) =>
    afterRedeem(connection, failing(kind, 'resource'), NOW, resource);

  const blocked = refuse(refuse(connectionWith(), 'blocked', GRAPH), 'blocked', OUTLOOK);
  expect(blocked).toMatchObject({ grantState: 'BLOCKED', stateReason: { time: NOW } });
  const mixed = refuse(refuse(connectionWith(), 'blocked', GRAPH), 'consent', OUTLOOK);
  expect(mixed).toMatchObject({ grantState: 'REAUTHORIZATION_REQUIRED', keepAliveTime: NOW + DAY });
  expect(isGrantSound(mixed)).toBe(true);
  expect(afterRedeem(mixed, granting(['Mail.Read']), NOW, GRAPH).grantState).toBe('ACTIVE');
});

test('a refusal of the grant affects all resources; a later one of a resource proves the grant sound', () => {
  const refused = afterRedeem(connectionWith(), failing('blocked', 'resource'), NOW, GRAPH);
  const dead = afterRedeem(refused, failing('reauthorize'), NOW, GRAPH);
  expect(dead).toMatchObject({ grantState: 'REAUTHORIZATION_REQUIRED', resourceIssues: {} });
  expect(resourcesOf(dead).map(({ state }) => state)).toEqual(['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED']);

  const disabled = afterRedeem(connectionWith(), failing('blocked'), NOW, GRAPH);
  const enabled = afterRedeem(disabled, failing('blocked', 'resource'), NOW + DAY, GRAPH);
  expect(enabled).toMatchObject({
    grantState: 'ACTIVE',
    heldUntil: undefined,
    resourceIssues: { [GRAPH]: { state: 'BLOCKED' } },
  });
  expect(enabled.keepAliveTime).toBeGreaterThan(NOW + DAY);
});

test('refusals of the request, the directory, the app or the credential do not change a connection', () => {
  const connection = connectionWith();
  for (const subject of [
    'request',
    'resource_in_directory',
    'directory',
    'app',
    'credential',
    'entra',
    'vault',
  ] as const) {
    for (const kind of ['reauthorize', 'consent', 'blocked', 'ambiguous', 'app_config'] as const) {
      expect(afterRedeem(connection, failing(kind, subject), NOW, GRAPH)).toBe(connection);
    }
  }
});

test('an unknown refusal of a resource counts when repeated after a minute, for it alone', () => {
  const once = afterRedeem(connectionWith(), failing('ambiguous', 'resource'), NOW, GRAPH);
  expect(once).toMatchObject({ grantState: 'ACTIVE', firstSuspectTime: undefined, heldUntil: undefined });
  expect(once.resourceIssues[GRAPH]).toMatchObject({ state: 'ACTIVE', retryTime: NOW + SUSPECT_INTERVAL });

  expect(afterRedeem(once, failing('ambiguous', 'resource'), NOW + SUSPECT_INTERVAL - 1, GRAPH)).toBe(once);
  const twice = afterRedeem(once, failing('ambiguous', 'resource'), NOW + SUSPECT_INTERVAL, GRAPH);
  expect(twice.grantState).toBe('ACTIVE');
  expect(twice.resourceIssues[GRAPH]).toMatchObject({
    state: 'REAUTHORIZATION_REQUIRED',
    evidence: { reason: 'REAUTHORIZATION_REQUIRED' },
    retryTime: NOW + SUSPECT_INTERVAL + DAY,
  });
  expect(afterRedeem(once, granting(['Mail.Read']), NOW + 1, GRAPH).resourceIssues).toEqual({});
});

test('missing consent is retried in pauses of a minute to a day, with the granted permissions', () => {
  let connection = connectionWith();
  let now = NOW;
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    connection = afterRedeem(connection, failing('consent', 'resource'), now, GRAPH);
    const rest = resourceCooldownRemaining(connection.resourceIssues[GRAPH], now);
    pauses.push(rest / MINUTE);
    now += rest;
    expect(connection.resourceIssues[GRAPH]?.requested).toEqual(['Mail.Read']);
  }

  expect(pauses).toEqual([1, 4, 20, 100, 500, 1440, 1440, 1440]);
  // A retry time that lies too far ahead dates from before the clock was set back.
  expect(resourceCooldownRemaining(connection.resourceIssues[GRAPH], now - 2 * DAY)).toBe(0);
});

test('a grant with two ambiguous refusals may be verified again, a revoked one may not', () => {
  const doubtful = afterRedeem(
    afterRedeem(connectionWith(), failing('ambiguous'), NOW, GRAPH),
    failing('ambiguous'),
    NOW + SUSPECT_INTERVAL,
    GRAPH,
  );
  const dead = afterRedeem(connectionWith(), failing('reauthorize'), NOW, GRAPH);

  expect([doubtful, dead].map(({ grantState }) => grantState)).toEqual(Array(2).fill('REAUTHORIZATION_REQUIRED'));
  expect([doubtful, dead].map(mayBeVerified)).toEqual([true, false]);
});

test('an ambiguous refusal counts when repeated at least a minute later', () => {
  const once = afterRedeem(connectionWith(), failing('ambiguous'), NOW, GRAPH);
  expect(once).toMatchObject({ grantState: 'ACTIVE', firstSuspectTime: NOW, heldUntil: NOW + SUSPECT_INTERVAL });

  expect(afterRedeem(once, failing('ambiguous'), NOW + SUSPECT_INTERVAL - 1, GRAPH)).toBe(once);
  expect(afterRedeem(once, failing('ambiguous'), NOW + SUSPECT_INTERVAL, GRAPH)).toMatchObject({
    grantState: 'REAUTHORIZATION_REQUIRED',
    stateReason: { reason: 'REAUTHORIZATION_REQUIRED' },
  });
});

test('a clock that is set back prolongs no cooldown, and voids a suspect time in the future', () => {
  const once = afterRedeem(connectionWith(), failing('ambiguous'), NOW, GRAPH);

  const again = afterRedeem(once, failing('ambiguous'), NOW - DAY, GRAPH);

  expect(again).toMatchObject({
    grantState: 'ACTIVE',
    firstSuspectTime: NOW - DAY,
    heldUntil: NOW - DAY + SUSPECT_INTERVAL,
  });
  for (const kind of ['ambiguous', 'loop_detected', 'blocked'] as const) {
    const resting = afterRedeem(connectionWith(), failing(kind), NOW, GRAPH);
    const until = resting.heldUntil ?? 0;
    expect([
      cooldownRemaining(resting, NOW),
      cooldownRemaining(resting, until - 1),
      cooldownRemaining(resting, until),
    ]).toEqual([until - NOW, 1, 0]);
    expect(cooldownRemaining(resting, NOW - 1)).toBe(kind === 'ambiguous' ? SUSPECT_INTERVAL + 1 : 0);
    expect(cooldownRemaining(resting, NOW - DAY)).toBe(0);
  }
});

test('the e-mail address follows the id token, if it has one; names stay', () => {
  const known = {
    directoryId: 'directory',
    objectId: 'ada',
    username: 'ada@contoso.example',
    displayName: 'Ada',
    email: 'ada@old.example',
  };
  const before = connectionWith({ account: known });
  const refreshed = (account: Granted['account']) =>
    afterRedeem(before, { ...granting(['Mail.Read']), account }, NOW, GRAPH);

  const after = refreshed({ ...known, username: 'countess', displayName: 'Countess', email: 'ada@new.example' });
  expect(after.account).toEqual({ ...known, email: 'ada@new.example' });
  expect(after.updateTime).toBe(NOW);
  for (const silent of [{ ...known, email: undefined }, known, undefined]) {
    expect(refreshed(silent)).toMatchObject({ account: known, updateTime: before.updateTime });
  }
  expect(refreshed({ ...known, objectId: 'other', email: 'other@example' }).account).toEqual(known);
});
