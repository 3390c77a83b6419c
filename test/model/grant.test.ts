import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { afterGrant, type Grant, keepAliveTimeAfter } from '../../src/model/connection_grant.ts';
import { Secret } from '../../src/model/secret.ts';

const NOW = 1_800_000_000_000;

const worn: Connection = {
  uid: 'c-1',
  tenantUid: 't-1',
  tenantId: 'acme',
  connectionId: 'ada',
  appUid: 'a-1',
  appTenantId: 'acme',
  appId: 'default',
  externalId: 'user-7',
  labels: { team: 'blue' },
  account: { directoryId: 'd', objectId: 'o', username: 'ada@contoso.example', displayName: 'Ada', email: undefined },
  productScopes: ['Calendar.ReadOnly'],
  granted: { 'https://graph.microsoft.com': ['Calendars.Read'] },
  resourceIssues: {},
  grantState: 'REAUTHORIZATION_REQUIRED',
  stateReason: {
    reason: 'REAUTHORIZATION_REQUIRED',
    entraError: 'invalid_grant/AADSTS50173',
    correlationId: 'x',
    time: 1,
  },
  suspendTime: undefined,
  verifyTime: 1,
  lastRefreshTime: 1,
  firstSuspectTime: 1,
  heldUntil: NOW + DAY,
  keepAliveTime: undefined,
  createTime: 1,
  updateTime: 1,
  version: 7,
};

const grant: Grant = {
  refreshToken: new Secret('rt'),
  account: { directoryId: 'd', objectId: 'o', username: 'ada@new.example', displayName: 'Ada', email: undefined },
  productScopes: ['Mail.ReadOnly'],
  granted: { 'https://graph.microsoft.com': ['Mail.Read', 'User.Read'] },
};

const app = { uid: 'a-2', tenantId: 'shared', appId: 'mail' };

test('a new grant clears the issues of the old one, and replaces its scopes', () => {
  const after = afterGrant(worn, { grant, app, verified: true }, NOW);
  expect(after).toMatchObject({
    grantState: 'ACTIVE',
    stateReason: undefined,
    firstSuspectTime: undefined,
    heldUntil: undefined,
    verifyTime: NOW,
    lastRefreshTime: NOW,
    productScopes: ['Mail.ReadOnly'],
    granted: grant.granted,
    account: grant.account,
    appUid: 'a-2',
    appTenantId: 'shared',
    appId: 'mail',
  });
});

test('name, uid, labels and external id stay', () => {
  const after = afterGrant(worn, { grant, app, verified: true }, NOW);
  const { uid, connectionId, externalId, labels, createTime, version } = worn;
  expect(after).toMatchObject({ uid, connectionId, externalId, labels, createTime, version });
});

test('an unverified import has no verify time', () => {
  const after = afterGrant(worn, { grant, app, verified: false }, NOW);
  expect([after.grantState, after.verifyTime, after.lastRefreshTime]).toEqual(['ACTIVE', undefined, undefined]);
});

test('keep-alive is due after 30 to 45 days, spread by uid', () => {
  fc.assert(
    fc.property(fc.uuid(), (uid) => {
      const days = (keepAliveTimeAfter(uid, NOW) - NOW) / DAY;
      expect(days).toBeGreaterThanOrEqual(30);
      expect(days).toBeLessThan(45);
    }),
  );
  const times = Array.from({ length: 1_000 }, (_, i) => keepAliveTimeAfter(`connection-${i}`, NOW));
  const perDay = Map.groupBy(times, (time) => Math.floor((time - NOW) / DAY));
  expect(perDay.size).toBe(15);
  expect(Math.max(...[...perDay.values()].map((day) => day.length))).toBeLessThan(200);
});

test('an e-mail address stays if a new consent of the same account omits it', () => {
  const known = { directoryId: 'D', objectId: 'O', username: 'old', displayName: 'Old', email: 'ada@contoso.example' };
  const afterwards = (account: Grant['account']) =>
    afterGrant({ ...worn, account: known }, { grant: { ...grant, account }, app, verified: true }, NOW).account;

  expect(afterwards(grant.account)).toEqual({ ...grant.account, email: 'ada@contoso.example' });
  const current = {
    directoryId: 'd',
    objectId: 'o',
    username: undefined,
    displayName: undefined,
    email: 'new@example',
  };
  expect(afterwards(current)).toEqual(current);
  expect(afterwards({ ...current, objectId: 'other', email: undefined })?.email).toBeUndefined();
  expect(afterwards(undefined)).toBeUndefined();
});
