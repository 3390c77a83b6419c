import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Connection, connectionState, type PermissionsByResource } from '../../src/model/connection.ts';
import { type ConnectionChangedEvent, connectionChanged } from '../../src/model/connection_changed_event.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const TIME = 1_800_000_000_000;

const ada: Connection = {
  uid: 'uid',
  tenantUid: 'tenant',
  tenantId: 'acme',
  connectionId: 'ada',
  appUid: 'app',
  appTenantId: 'acme',
  appId: 'default',
  externalId: 'user-7',
  labels: { team: 'blue' },
  account: {
    directoryId: 'd',
    objectId: 'o',
    username: 'canary-name',
    displayName: 'canary-ada',
    email: 'canary@mail',
  },
  productScopes: ['Mail.ReadOnly'],
  granted: { [GRAPH]: ['Mail.Read', 'User.Read'], [OUTLOOK]: ['SMTP.Send'] },
  resourceIssues: {},
  grantState: 'ACTIVE',
  stateReason: undefined,
  suspendTime: undefined,
  verifyTime: 1,
  lastRefreshTime: 1,
  firstSuspectTime: undefined,
  heldUntil: undefined,
  keepAliveTime: 2,
  createTime: 1,
  updateTime: 1,
  version: 3,
};

const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const anyTime = sometimes(fc.nat());
const anyGranted: fc.Arbitrary<PermissionsByResource> = fc.dictionary(
  fc.constantFrom(GRAPH, OUTLOOK),
  fc.uniqueArray(fc.constantFrom('Mail.Read', 'Mail.Send', 'User.Read')),
  { noNullPrototype: true },
);

/** Fields whose change is reported. */
const anyReported = fc.record({
  externalId: sometimes(fc.constantFrom('user-7', 'user-8')),
  labels: fc.dictionary(fc.constantFrom('team', 'tier'), fc.constantFrom('blue', 'red'), { noNullPrototype: true }),
  granted: anyGranted,
  grantState: fc.constantFrom('PENDING', 'ACTIVE', 'REAUTHORIZATION_REQUIRED', 'BLOCKED'),
  stateReason: sometimes(
    fc.record({
      reason: fc.constantFrom('BLOCKED_BY_POLICY', 'ACCOUNT_DISABLED', 'CONSENT_REQUIRED'),
      entraError: fc.constant('invalid_grant/AADSTS1'),
      correlationId: fc.constant(undefined),
      time: fc.nat(),
    }),
  ),
  suspendTime: anyTime,
});

/** Fields that a refresh changes, and other fields that are not reported. */
const anyUnreported = fc.record({
  account: fc.constantFrom(undefined, ada.account),
  productScopes: fc.array(fc.constant('Mail.Send')),
  verifyTime: anyTime,
  lastRefreshTime: anyTime,
  firstSuspectTime: anyTime,
  heldUntil: anyTime,
  keepAliveTime: anyTime,
  updateTime: fc.nat(),
  version: fc.nat(),
});

const anyConnection = fc
  .tuple(anyReported, anyUnreported)
  .map(([reported, unreported]): Connection => ({ ...ada, ...reported, ...unreported }) as Connection);

test('a connection that was created, deleted or granted again is always reported', () => {
  fc.assert(
    fc.property(anyConnection, anyConnection, (one, other) => {
      const created = connectionChanged({ before: undefined, after: one, time: TIME });
      const deleted = connectionChanged({ before: one, after: undefined, time: TIME });
      const granted = connectionChanged({ before: one, after: other, newGrant: true, time: TIME });

      expect(created?.data).toMatchObject({ change: 'CREATED', previousState: undefined, state: connectionState(one) });
      expect(deleted?.data).toMatchObject({ change: 'DELETED', previousState: connectionState(one), state: undefined });
      expect(granted?.data).toMatchObject({ change: 'GRANTED', state: connectionState(other) });
    }),
  );
  expect(connectionChanged({ before: undefined, after: undefined, time: TIME })).toBeUndefined();
});

test('other changes of a refresh are not reported', () => {
  fc.assert(
    fc.property(anyConnection, anyUnreported, (before, unreported) => {
      // After a read from the database, no object is the same.
      const after = structuredClone({ ...before, ...unreported });

      expect(connectionChanged({ before, after, time: TIME })).toBeUndefined();
    }),
  );
});

test('additional permissions are not reported, lost ones are', () => {
  fc.assert(
    fc.property(anyGranted, anyGranted, (more, some) => {
      const both: Record<string, readonly string[]> = { ...some };
      for (const [resource, permissions] of Object.entries(more)) {
        both[resource] = [...new Set([...permissions, ...(some[resource] ?? [])])];
      }
      const lost = Object.entries(both).some(([resource, all]) =>
        all.some((permission) => some[resource]?.includes(permission) !== true),
      );
      const rich = { ...ada, granted: both };
      const poor = { ...ada, granted: some };

      expect(connectionChanged({ before: poor, after: rich, time: TIME })).toBeUndefined();
      expect(connectionChanged({ before: rich, after: poor, time: TIME })?.data.change).toBe(
        lost ? 'STATE' : undefined,
      );
    }),
  );
});

test('the events contain state, reason and external id of every connection', () => {
  fc.assert(
    fc.property(fc.array(anyConnection, { minLength: 1, maxLength: 8 }), (history) => {
      let known: unknown;
      let before: Connection | undefined;
      for (const after of history) {
        const event = connectionChanged({ before, after, time: TIME });
        if (event !== undefined) {
          expect(event.data.previousState).toBe(before && connectionState(before));
          known = reportOf(event);
        }
        before = after;
        expect(known).toEqual(reportOf(connectionChanged({ before: undefined, after, time: TIME })));
      }
    }),
  );
});

test.each<[Partial<Connection>, string, string | undefined]>([
  [{ suspendTime: 5 }, 'STATE', 'CONNECTION_SUSPENDED'],
  [{ grantState: 'BLOCKED', stateReason: evidence('ACCOUNT_DISABLED') }, 'STATE', 'ACCOUNT_DISABLED'],
  [{ granted: { [GRAPH]: ['Mail.Read', 'User.Read'] }, stateReason: evidence('CONSENT_REQUIRED') }, 'STATE', undefined],
  [{ externalId: undefined }, 'RENAMED', undefined],
  [{ labels: {} }, 'RENAMED', undefined],
  [{ labels: { team: 'red' } }, 'RENAMED', undefined],
  [{ labels: { squad: 'blue' } }, 'RENAMED', undefined],
  // Both at once: the state matters more, and the external id is reported anyway.
  [{ externalId: 'user-8', grantState: 'REAUTHORIZATION_REQUIRED' }, 'STATE', undefined],
])('%j is reported as %s', (changes, change, reason) => {
  const after = { ...ada, ...changes };

  const event = connectionChanged({ before: ada, after, time: TIME });

  expect(event).toMatchObject({
    type: 'connection.changed',
    tenantUid: 'tenant',
    tenantId: 'acme',
    subject: 'tenants/acme/connections/ada',
    time: TIME,
    data: { change, reason, connectionUid: 'uid', externalId: after.externalId, previousState: 'ACTIVE' },
  });
});

test('another reason for the same state is reported', () => {
  const blocked: Connection = { ...ada, grantState: 'BLOCKED', stateReason: evidence('BLOCKED_BY_POLICY') };

  expect(
    connectionChanged({
      before: blocked,
      after: { ...blocked, stateReason: evidence('ACCOUNT_DISABLED') },
      time: TIME,
    })?.data,
  ).toMatchObject({ change: 'STATE', state: 'BLOCKED', previousState: 'BLOCKED', reason: 'ACCOUNT_DISABLED' });
});

test('the resource whose own state changed is named, with its state and reason', () => {
  const issue = {
    state: 'BLOCKED',
    evidence: evidence('BLOCKED_BY_POLICY'),
    startTime: 1,
    retryTime: 2,
    requested: undefined,
  } as const;
  const refused: Connection = { ...ada, resourceIssues: { [OUTLOOK]: issue } };
  const dataOf = (before: Connection, after: Connection) => {
    const event = connectionChanged({ before, after, time: TIME });
    return event && { severity: event.severity, ...event.data };
  };

  expect(dataOf(ada, refused)).toMatchObject({
    severity: 'WARNING',
    change: 'STATE',
    state: 'ACTIVE',
    previousState: 'ACTIVE',
    resource: OUTLOOK,
    resourceState: 'BLOCKED',
    resourceReason: 'BLOCKED_BY_POLICY',
  });
  expect(dataOf(refused, ada)).toMatchObject({
    severity: 'INFO',
    resource: OUTLOOK,
    resourceState: 'ACTIVE',
    resourceReason: undefined,
  });
  expect(dataOf(refused, { ...refused, resourceIssues: { [OUTLOOK]: { ...issue, retryTime: 9 } } })).toBeUndefined();
  expect(dataOf(ada, { ...ada, resourceIssues: { [OUTLOOK]: { ...issue, state: 'ACTIVE' } } })).toBeUndefined();
  // A change of the grant itself affects all resources.
  const dead: Connection = {
    ...ada,
    grantState: 'REAUTHORIZATION_REQUIRED',
    stateReason: evidence('ACCOUNT_DISABLED'),
  };
  expect(dataOf(refused, dead)).toMatchObject({ state: 'REAUTHORIZATION_REQUIRED', resource: undefined });
});

test('no event contains personal data, and each has its own id', () => {
  fc.assert(
    fc.property(anyConnection, anyConnection, (before, after) => {
      const events = [before, undefined].map((from) =>
        connectionChanged({ before: from, after, newGrant: true, time: TIME }),
      );

      expect(JSON.stringify(events)).not.toContain('canary');
      expect(events[0]?.uid).not.toBe(events[1]?.uid);
    }),
  );
});

function reportOf(event: ConnectionChangedEvent | undefined) {
  return event && { state: event.data.state, reason: event.data.reason, externalId: event.data.externalId };
}

function evidence(reason: 'ACCOUNT_DISABLED' | 'BLOCKED_BY_POLICY' | 'CONSENT_REQUIRED') {
  return { reason, entraError: undefined, correlationId: undefined, time: 1 };
}
