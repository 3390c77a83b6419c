import { describe, expect, test } from 'vitest';
import { DAY, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { ResourceIssue } from '../../src/model/connection_resource_issue.ts';
import type { App } from '../../src/model/entra_app.ts';
import { type Reason, VaultError } from '../../src/model/errors.ts';
import type { StateReason } from '../../src/model/state_reason.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import { type FailureKind, type FailureSubject, newFailure } from '../../src/model/token_request_outcome.ts';
import {
  checkGrantState,
  checkResourceGranted,
  checkResourceIssue,
  checkServable,
  claimsError,
  coolingDownError,
  exchangeError,
} from '../../src/tokens/connection_serving_errors.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const OUTLOOK = 'https://outlook.office.com';
const NAME = 'tenants/acme/connections/ada';

const tenant = { tenantId: 'acme', state: 'ACTIVE', allowedDirectoryIds: [] } as unknown as Tenant;
const owner = { ...tenant, tenantId: 'owner' };
const app = { tenantId: 'owner', appId: 'mail', suspended: false, sharedWith: ['acme'] } as unknown as App;

const connectionOf = (changes: Partial<Connection> = {}) =>
  ({
    tenantId: 'acme',
    connectionId: 'ada',
    account: { directoryId: 'contoso', objectId: 'ada' },
    granted: {},
    resourceIssues: {},
    grantState: 'ACTIVE',
    ...changes,
  }) as unknown as Connection;

const evidence = (reason: Reason): StateReason => ({ reason, entraError: 'e', correlationId: 'c', time: NOW });
const issueOf = (state: ResourceIssue['state'], reason: Reason, retryTime = NOW + MINUTE) => ({
  [OUTLOOK]: { state, evidence: evidence(reason), startTime: NOW, retryTime, requested: undefined },
});

function errorOf(work: () => unknown): VaultError | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
  return undefined;
}

/** Without the fields that are undefined. */
function factsOf(error: VaultError | undefined) {
  return error && { reason: error.reason, ...JSON.parse(JSON.stringify(error.metadata)) };
}

describe('a connection', () => {
  const facts = { tenant, owner, app, connection: connectionOf() };

  test('is served if nothing prevents it', () => {
    checkServable(facts, NOW);
    checkServable({ ...facts, tenant: { ...tenant, allowedDirectoryIds: ['contoso'] } }, NOW);
    const unverified = connectionOf({ account: undefined });
    checkServable({ ...facts, tenant: { ...tenant, allowedDirectoryIds: ['other'] }, connection: unverified }, NOW);
  });

  const mail = 'tenants/owner/apps/mail';
  test.each([
    [{ tenant: { ...tenant, state: 'SUSPENDED' } }, 'TENANT_SUSPENDED', 'tenants/acme', 'ResumeTenant'],
    [{ owner: { ...owner, state: 'SUSPENDED' } }, 'APP_SUSPENDED', mail, 'ResumeTenant'],
    [{ app: { ...app, suspended: true } }, 'APP_SUSPENDED', mail, 'UpdateApp'],
    [{ app: { ...app, sharedWith: ['other'] } }, 'APP_SUSPENDED', mail, 'UpdateApp'],
    [{ connection: connectionOf({ suspendTime: 0 }) }, 'CONNECTION_SUSPENDED', NAME, 'ResumeConnection'],
    [{ connection: connectionOf({ grantState: 'PENDING' }) }, 'CONNECTION_PENDING', NAME, 'StartAuthorization'],
  ])('is not served with %j', (changes, reason, resource, nextStep) => {
    const error = errorOf(() => checkServable({ ...facts, ...(changes as object) }, NOW));
    expect(factsOf(error)).toEqual({ reason, resource, nextStep });
  });

  test('is not served if its tenant does not allow its directory', () => {
    const narrower = { ...tenant, allowedDirectoryIds: ['other'] };
    const error = errorOf(() => checkServable({ ...facts, tenant: narrower }, NOW));
    expect(factsOf(error)).toEqual({ reason: 'DIRECTORY_NOT_ALLOWED', resource: NAME, directoryId: 'contoso' });
    expect(error?.message).toContain('allowedDirectoryIds');
  });
});

describe('a refused grant', () => {
  const blocked = { grantState: 'BLOCKED', stateReason: evidence('ACCOUNT_DISABLED'), heldUntil: NOW + 1 } as const;
  const gone = { grantState: 'REAUTHORIZATION_REQUIRED', stateReason: evidence('ACCOUNT_MISMATCH') } as const;
  const mayPass = { ...gone, stateReason: { ...gone.stateReason, mayPass: true } } as const;

  test.each<[string, Partial<Connection>, Reason | undefined, Reason | undefined]>([
    ['is refused for its own reason', gone, 'ACCOUNT_MISMATCH', 'ACCOUNT_MISMATCH'],
    ['without a reason needs the user', { ...gone, stateReason: undefined }, ...twice('REAUTHORIZATION_REQUIRED')],
    ['that may pass is verified', mayPass, 'ACCOUNT_MISMATCH', undefined],
    ['is blocked until its next attempt', blocked, 'ACCOUNT_DISABLED', undefined],
    ['is attempted when its pause is over', { ...blocked, heldUntil: NOW }, undefined, undefined],
    ['without a next attempt stays blocked', { ...blocked, heldUntil: undefined }, 'ACCOUNT_DISABLED', undefined],
    ['that is blocked without a reason', { ...blocked, stateReason: undefined }, 'BLOCKED_BY_POLICY', undefined],
    ['is attempted after the clock was set back', { ...blocked, heldUntil: NOW + DAY + 1 }, undefined, undefined],
    [
      'of resources that are refused is sound',
      { ...blocked, resourceIssues: issueOf('BLOCKED', 'BLOCKED_BY_POLICY') },
      undefined,
      undefined,
    ],
    ['was never granted', { grantState: 'PENDING' }, ...twice('CONNECTION_PENDING')],
  ])('%s', (_, changes, reason, verified) => {
    const connection = connectionOf(changes);
    expect(errorOf(() => checkGrantState(connection, NOW))?.reason).toBe(reason);
    expect(errorOf(() => checkGrantState(connection, NOW, true))?.reason).toBe(verified);
  });

  test('names the evidence, and the next step if the user has it', () => {
    const facts = { resource: NAME, entraError: 'e', correlationId: 'c' };
    const refused = (changes: Partial<Connection>) => errorOf(() => checkGrantState(connectionOf(changes), NOW));

    expect(factsOf(refused(gone))).toEqual({ reason: 'ACCOUNT_MISMATCH', ...facts, nextStep: 'StartAuthorization' });
    expect(factsOf(refused(blocked))).toEqual({ reason: 'ACCOUNT_DISABLED', ...facts });
    expect(factsOf(refused({ ...blocked, stateReason: undefined }))).toEqual({
      reason: 'BLOCKED_BY_POLICY',
      resource: NAME,
    });
    expect(refused(blocked)?.message).toContain('VerifyConnection');
  });
});

describe('a refused resource', () => {
  test.each<[string, ResourceIssue['state'], number, Reason | undefined]>([
    ['is refused until its next attempt', 'BLOCKED', NOW + 1, 'BLOCKED_BY_POLICY'],
    ['is attempted then', 'BLOCKED', NOW, undefined],
    ['is served after one ambiguous refusal', 'ACTIVE', NOW + 1, undefined],
  ])('%s', (_, state, retryTime, reason) => {
    const connection = connectionOf({ resourceIssues: issueOf(state, 'BLOCKED_BY_POLICY', retryTime) });
    expect(errorOf(() => checkResourceIssue(connection, OUTLOOK, NOW))?.reason).toBe(reason);
    checkResourceIssue(connection, 'https://graph.microsoft.com', NOW);
  });

  test.each<[Reason, string | undefined]>([
    ['REAUTHORIZATION_REQUIRED', 'StartAuthorization'],
    ['CONSENT_REQUIRED', 'StartAuthorization'],
    ['BLOCKED_BY_POLICY', undefined],
  ])('for %s is named with its evidence, and the next step %s', (reason, nextStep) => {
    const connection = connectionOf({ resourceIssues: issueOf('BLOCKED', reason) });
    const error = errorOf(() => checkResourceIssue(connection, OUTLOOK, NOW));
    const facts = { reason, resource: NAME, resourceUri: OUTLOOK, entraError: 'e', correlationId: 'c' };
    expect(factsOf(error)).toEqual(nextStep === undefined ? facts : { ...facts, nextStep });
    expect(error?.message).toContain(OUTLOOK);
    expect(error?.message.includes('not consented')).toBe(reason === 'CONSENT_REQUIRED');
  });

  test('that a narrower grant omits is not granted any more; one that is known is', () => {
    expect(factsOf(errorOf(() => checkResourceGranted(connectionOf(), OUTLOOK)))).toEqual({
      reason: 'SCOPE_NOT_GRANTED',
      resource: NAME,
      resourceUri: OUTLOOK,
      nextStep: 'StartAuthorization',
    });
    checkResourceGranted(connectionOf({ granted: { [OUTLOOK]: [] } }), OUTLOOK);
    checkResourceGranted(connectionOf({ resourceIssues: issueOf('BLOCKED', 'BLOCKED_BY_POLICY') }), OUTLOOK);
  });
});

describe("Entra's refusal", () => {
  const failureOf = (kind: FailureKind, subject: FailureSubject, reason: Reason) =>
    newFailure(kind, subject, reason, { entraError: 'e', correlationId: 'c', retryAfter: 7 });

  test.each<[FailureSubject, string | undefined]>([
    ['resource', OUTLOOK],
    ['resource_in_directory', OUTLOOK],
    ['connection', undefined],
    ['app', undefined],
  ])('of a %s names the resource %s', (subject, resourceUri) => {
    const error = exchangeError(connectionOf(), failureOf('blocked', subject, 'BLOCKED_BY_POLICY'), OUTLOOK);
    expect(error.metadata['resourceUri']).toBe(resourceUri);
    expect(error.message.includes(OUTLOOK)).toBe(resourceUri !== undefined);
    expect(error).toMatchObject({
      reason: 'BLOCKED_BY_POLICY',
      retryAfter: 7,
      metadata: { resource: NAME, entraError: 'e', correlationId: 'c' },
    });
  });

  test('passes on a claims challenge of up to 400 characters, and a hint', () => {
    const failure = { ...failureOf('reauthorize', 'connection', 'REAUTHORIZATION_REQUIRED'), hint: 'Look here.' };
    const errorWith = (claims: string | undefined) => exchangeError(connectionOf(), { ...failure, claims }, OUTLOOK);

    expect(errorWith('x'.repeat(400)).metadata['claims']).toHaveLength(400);
    expect(errorWith('x'.repeat(401)).metadata['claims']).toBeUndefined();
    expect(errorWith(undefined).metadata['claims']).toBeUndefined();
    expect(errorWith(undefined).message).toMatch(/Look here\.$/);
    expect(exchangeError(connectionOf(), { ...failure, hint: undefined }, OUTLOOK).message).not.toContain('undefined');
  });

  test.each<[FailureKind, boolean]>([
    ['caller', true],
    ['vault_fault', true],
    ['app_config', true],
    ['blocked', false],
    ['transient', false],
  ])('of claims is the fault of the caller if it is %s: %j', (kind, isClaims) => {
    const error = claimsError(connectionOf(), failureOf(kind, 'request', 'BLOCKED_BY_POLICY'), OUTLOOK);
    expect(error.reason).toBe(isClaims ? 'FIELD_INVALID' : 'BLOCKED_BY_POLICY');
    if (isClaims)
      expect(error).toMatchObject({ metadata: { field: 'claims' }, message: expect.stringContaining('(e)') });
  });

  test('of claims without a code of Entra names none', () => {
    const failure = newFailure('caller', 'request', 'FIELD_INVALID', {});
    expect(claimsError(connectionOf(), failure, OUTLOOK).message).toMatch(/claims challenge\./);
  });

  test('that is ambiguous names the seconds of its pause, rounded up', () => {
    const error = coolingDownError(connectionOf(), 30 * SECOND + 1);
    expect(error).toMatchObject({ reason: 'ENTRA_UNAVAILABLE', retryAfter: 30_001, metadata: { resource: NAME } });
    expect(error.message).toContain(' 31 s.');
  });
});

function twice(reason: Reason): [Reason, Reason] {
  return [reason, reason];
}
