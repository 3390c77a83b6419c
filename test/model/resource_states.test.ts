import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { afterRedeem, cooldownRemaining } from '../../src/model/connection_after_redeem.ts';
import { type ResourceIssue, resourceCooldownRemaining } from '../../src/model/connection_resource_issue.ts';
import {
  isRefused,
  mayBeVerified,
  refusalOf,
  resourcesOf,
  withDerivedState,
} from '../../src/model/connection_resource_states.ts';
import type { StateReason } from '../../src/model/state_reason.ts';
import { newFailure } from '../../src/model/token_request_outcome.ts';
import { NOW, sampleAccessToken, sampleApp, sampleConnection, sampleTenant } from '../conformance/sample_rows.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const REASON: StateReason = { reason: 'INTERNAL', entraError: 'grant', correlationId: 'c', time: 1 };
const EVIDENCE: StateReason = { ...REASON, entraError: 'resource' };

const tenant = sampleTenant();
const ADA = { directoryId: 'd', objectId: 'o', username: 'ada', displayName: undefined, email: undefined };
const connectionWith = (changes: Partial<Connection> = {}) =>
  sampleConnection(tenant, sampleApp(tenant), 'ada', { updateTime: 7, ...changes });

function issue(state: ResourceIssue['state'], changes: Partial<ResourceIssue> = {}): ResourceIssue {
  return { state, evidence: EVIDENCE, startTime: 1, retryTime: NOW + 1, requested: undefined, ...changes };
}

const unsound = (grantState: Connection['grantState'], stateReason?: StateReason) =>
  connectionWith({ grantState, stateReason });

describe('a resource', () => {
  const connection = connectionWith({
    granted: { [GRAPH]: ['Mail.Read'] },
    resourceIssues: { [OUTLOOK]: issue('BLOCKED'), suspect: issue('ACTIVE') },
    stateReason: REASON,
  });

  test.each([
    [GRAPH, false, undefined],
    ['suspect', false, undefined],
    [OUTLOOK, true, EVIDENCE],
  ])('is refused for its own reason: %s', (resource, refused, evidence) => {
    expect(isRefused(connection, resource)).toBe(refused);
    expect(refusalOf(connection, resource)).toBe(evidence);
  });

  test('of a refused grant is refused for the reason of the grant', () => {
    expect(refusalOf(unsound('REAUTHORIZATION_REQUIRED', REASON), GRAPH)).toBe(REASON);
  });

  test('has its own permissions, state and evidence', () => {
    const requested = issue('CONSENT_REQUIRED', { requested: ['Mail.Send'] });
    const { resourceIssues } = connection;
    expect(resourcesOf({ ...connection, resourceIssues: { ...resourceIssues, other: requested } })).toEqual([
      { resource: GRAPH, permissions: ['Mail.Read'], state: 'ACTIVE', evidence: undefined, retryTime: undefined },
      { resource: OUTLOOK, permissions: [], state: 'BLOCKED', evidence: EVIDENCE, retryTime: NOW + 1 },
      { resource: 'suspect', permissions: [], state: 'ACTIVE', evidence: EVIDENCE, retryTime: NOW + 1 },
      {
        resource: 'other',
        permissions: ['Mail.Send'],
        state: 'CONSENT_REQUIRED',
        evidence: EVIDENCE,
        retryTime: NOW + 1,
      },
    ]);
  });

  test.each([
    ['BLOCKED', 'BLOCKED', REASON],
    ['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED', REASON],
    ['PENDING', 'ACTIVE', undefined],
  ] as const)('of a grant that is %s is %s', (grantState, state, evidence) => {
    expect(resourcesOf(unsound(grantState, REASON))).toMatchObject([{ resource: GRAPH, state, evidence }]);
  });
});

test.each([
  ['sound', connectionWith(), true],
  ['sound in one resource', connectionWith({ grantState: 'BLOCKED', resourceIssues: { a: issue('BLOCKED') } }), true],
  ['blocked', unsound('BLOCKED', REASON), true],
  ['refused', unsound('REAUTHORIZATION_REQUIRED', REASON), false],
  ['refused without a known reason', unsound('REAUTHORIZATION_REQUIRED'), false],
  ['refused doubtfully', unsound('REAUTHORIZATION_REQUIRED', { ...REASON, mayPass: true }), true],
])('a connection may be verified, or not: %s', (_, connection, expected) => {
  expect(mayBeVerified(connection)).toBe(expected);
});

test('a connection without any resource is active', () => {
  const derived = withDerivedState(unsound('BLOCKED', REASON));
  expect(withDerivedState({ ...derived, granted: {} })).toMatchObject({ grantState: 'ACTIVE', stateReason: undefined });
});

describe('a pause', () => {
  test('of a resource ends by itself if the clock was set back', () => {
    expect(resourceCooldownRemaining(undefined, NOW)).toBe(0);
    expect(resourceCooldownRemaining(issue('ACTIVE', { retryTime: NOW + HOUR }), NOW)).toBe(0);
    expect(resourceCooldownRemaining(issue('ACTIVE', { retryTime: NOW + MINUTE }), NOW)).toBe(MINUTE);
    expect(resourceCooldownRemaining(issue('BLOCKED', { retryTime: NOW + HOUR }), NOW)).toBe(HOUR);
  });

  test('of a connection lasts longer than five minutes only if its grant is blocked', () => {
    const heldUntil = NOW + HOUR;
    const remaining = (changes: Partial<Connection>) =>
      cooldownRemaining(connectionWith({ heldUntil, ...changes }), NOW);
    expect(remaining({ grantState: 'BLOCKED' })).toBe(HOUR);
    expect(remaining({ grantState: 'BLOCKED', resourceIssues: { a: issue('BLOCKED') } })).toBe(0);
    expect(remaining({ grantState: 'REAUTHORIZATION_REQUIRED' })).toBe(0);
  });
});

describe('after a token', () => {
  const granted = { kind: 'granted', accessToken: sampleAccessToken(), refreshToken: undefined } as const;
  const redeemed = (changes: Partial<Connection>, account?: Connection['account']) =>
    afterRedeem(connectionWith(changes), { ...granted, account }, NOW, GRAPH);

  test.each<[string, Partial<Connection>, number]>([
    ['that only confirms it', {}, 7],
    ['that ends a refusal', { grantState: 'BLOCKED' }, NOW],
    ['that ends the reason of one', { stateReason: REASON }, NOW],
    ['that verifies an import', { verifyTime: undefined }, NOW],
    ['of a resource that was refused', { resourceIssues: { [GRAPH]: issue('BLOCKED') } }, NOW],
    ['without any account', { account: undefined }, 7],
  ])('%s, a connection has changed, or not', (_, changes, updateTime) => {
    expect(redeemed(changes).updateTime).toBe(updateTime);
  });

  test('an import has the account that Entra names, and a known account stays the same object', () => {
    const account = { ...ADA, email: 'ada@a.example' };
    expect(redeemed({ account: undefined }, account).account).toBe(account);
    expect(redeemed({ account }, { ...account, displayName: 'New' }).account).toBe(account);
  });
});

describe('after a doubtful refusal', () => {
  const doubtful = (subject: 'connection' | 'resource') =>
    newFailure('ambiguous', subject, 'ENTRA_UNAVAILABLE', { entraError: 'code' });

  test('of a resource, a grant that is refused stays so', () => {
    const after = afterRedeem(unsound('BLOCKED', REASON), doubtful('resource'), NOW, GRAPH);
    expect(after).toMatchObject({ grantState: 'BLOCKED', firstSuspectTime: NOW, resourceIssues: {} });
  });

  test('another one at the same moment proves nothing new', () => {
    const once = afterRedeem(connectionWith(), doubtful('connection'), NOW, GRAPH);
    expect(afterRedeem(once, doubtful('connection'), NOW, GRAPH)).toBe(once);
  });
});

test('a refused grant keeps the resources whose permissions were never known', () => {
  const connection = connectionWith({ resourceIssues: { [OUTLOOK]: issue('CONSENT_REQUIRED') } });
  const refusal = newFailure('reauthorize', 'connection', 'REAUTHORIZATION_REQUIRED', {});
  expect(afterRedeem(connection, refusal, NOW + DAY, GRAPH).granted[OUTLOOK]).toEqual([]);
});
