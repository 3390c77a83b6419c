import { describe, expect, test } from 'vitest';
import { DAY, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { SUSPECT_INTERVAL } from '../../src/model/connection_resource_issue.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newFailure } from '../../src/model/token_request_outcome.ts';
import { createCooldowns } from '../../src/tokens/connection_cooldowns.ts';
import { createCorrelatedFailureDetector } from '../../src/tokens/correlated_failure_detector.ts';
import { createForcedExchanges } from '../../src/tokens/forced_exchange_rate_limit.ts';
import { rejectUnusableToken } from '../../src/tokens/reject_unusable_token.ts';
import { createShortTtlCache, ttlUnattainable } from '../../src/tokens/unattainable_ttl_cache.ts';

const NOW = 1_800_000_000_000;
const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const NAME = 'tenants/acme/connections/ada';

function connectionWith(changes: Partial<Connection> = {}, uid = 'ada'): Connection {
  const names = { uid, appUid: 'app', tenantId: 'acme', connectionId: 'ada' };
  const grant = { grantState: 'ACTIVE', heldUntil: undefined, granted: { [GRAPH]: [] }, resourceIssues: {} };
  return { ...names, ...grant, ...changes } as unknown as Connection;
}

function movableClock() {
  const clock = { time: NOW, now: () => clock.time };
  return clock;
}

function errorOf(work: () => void): VaultError | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
  return undefined;
}

describe('a connection in a cooldown', () => {
  function open() {
    const clock = movableClock();
    const detector = createCorrelatedFailureDetector();
    const cooldowns = createCooldowns(clock, detector);
    const check = (connection: Connection, ignoreCooldown = false) =>
      errorOf(() => cooldowns.check(connection, GRAPH, ignoreCooldown));
    return { clock, detector, cooldowns, check };
  }

  test('waits for its end; a detected loop is never ignored, a block of the whole grant may be', () => {
    const { check } = open();
    expect(check(connectionWith())).toBeUndefined();
    const looping = connectionWith({ heldUntil: NOW + 5 * MINUTE });
    expect(check(looping)).toMatchObject({ reason: 'ENTRA_UNAVAILABLE', retryAfter: 5 * MINUTE });
    expect(check(looping, true)).toMatchObject({ retryAfter: 5 * MINUTE });
    const blocked = connectionWith({ grantState: 'BLOCKED', heldUntil: NOW + MINUTE });
    expect(check(blocked)).toMatchObject({ retryAfter: MINUTE });
    expect(check(blocked, true)).toBeUndefined();
    const ofResource = { [OUTLOOK]: { state: 'BLOCKED' } } as unknown as Connection['resourceIssues'];
    expect(check({ ...blocked, resourceIssues: ofResource }, true)).toMatchObject({ retryAfter: MINUTE });
    expect(check({ ...blocked, grantState: 'REAUTHORIZATION_REQUIRED' }, true)).toMatchObject({ retryAfter: MINUTE });
  });

  test('waits after an ambiguous refusal of the resource, also when cooldowns are ignored', () => {
    const { check } = open();
    const evidence = {
      reason: 'ENTRA_UNAVAILABLE',
      entraError: undefined,
      correlationId: undefined,
      time: NOW,
    } as const;
    const issueOf = (state: 'ACTIVE' | 'BLOCKED') => ({
      [GRAPH]: { state, evidence, startTime: NOW, retryTime: NOW + SUSPECT_INTERVAL, requested: undefined },
    });
    expect(check(connectionWith({ resourceIssues: issueOf('ACTIVE') }))).toMatchObject({
      retryAfter: SUSPECT_INTERVAL,
    });
    expect(check(connectionWith({ resourceIssues: issueOf('ACTIVE') }), true)?.reason).toBe('ENTRA_UNAVAILABLE');
    // Its own check answers for it, with its reason.
    expect(check(connectionWith({ resourceIssues: issueOf('BLOCKED') }))).toBeUndefined();
  });

  test('of another account waits a minute, unless it changes or the cooldown is ignored', () => {
    const { clock, cooldowns, check } = open();
    const mismatch = newFailure('vault_fault', 'connection', 'INTERNAL', {});
    cooldowns.rememberMismatch(connectionWith(), mismatch);
    clock.time += MINUTE - 1;
    expect(check(connectionWith())?.reason).toBe('INTERNAL');
    expect(check(connectionWith(), true)).toBeUndefined();
    expect(check(connectionWith({}, 'bea'))).toBeUndefined();
    clock.time += 1;
    expect(check(connectionWith())).toBeUndefined();
    clock.time -= 1;
    cooldowns.clear('bea');
    expect(check(connectionWith())?.reason).toBe('INTERNAL');
    cooldowns.clear('ada');
    expect(check(connectionWith())).toBeUndefined();
  });

  test('whose failures are deferred waits for the probe, unless it changes or the cooldown is ignored', () => {
    const { detector, cooldowns, check } = open();
    const failure = newFailure('reauthorize', 'connection', 'REAUTHORIZATION_REQUIRED', {
      entraError: 'invalid_grant',
    });
    for (const uid of ['ada', 'b', 'c', 'd', 'e'])
      detector.evaluate({ connection: connectionWith({}, uid), resource: GRAPH }, failure, NOW);
    expect(check(connectionWith())).toMatchObject({ reason: 'ENTRA_UNAVAILABLE', retryAfter: MINUTE });
    expect(check(connectionWith(), true)).toBeUndefined();
    cooldowns.clear('ada');
    expect(check(connectionWith())).toBeUndefined();
  });
});

describe('a forced exchange', () => {
  test('makes other calls for its connection wait 30 s, and not those that force nothing', () => {
    const clock = movableClock();
    const forced = createForcedExchanges(clock);
    const [one, other] = [{ callerId: 'mail' }, { callerId: 'mail' }];
    const ada = connectionWith();
    forced.check(ada, one);
    forced.start(ada, one);
    clock.time += 1;
    expect(errorOf(() => forced.check(ada, one))).toBeUndefined();
    expect(errorOf(() => forced.check(ada, undefined))).toBeUndefined();
    expect(errorOf(() => forced.start(ada, undefined))).toBeUndefined();
    expect(errorOf(() => forced.check(connectionWith({}, 'bea'), other))).toBeUndefined();
    for (const refused of [forced.check, forced.start])
      expect(errorOf(() => refused(ada, other))).toMatchObject({
        reason: 'RATE_LIMITED',
        retryAfter: 30 * SECOND - 1,
        metadata: { resource: NAME },
      });
    clock.time = NOW + 30 * SECOND;
    expect(errorOf(() => forced.start(ada, other))).toBeUndefined();
    expect(errorOf(() => forced.check(ada, one))?.reason).toBe('RATE_LIMITED');
  });

  test('makes no call wait after the clock was set back', () => {
    const clock = movableClock();
    const forced = createForcedExchanges(clock);
    forced.start(connectionWith(), { callerId: 'mail' });
    clock.time -= DAY;
    expect(errorOf(() => forced.check(connectionWith(), { callerId: 'mail' }))).toBeUndefined();
  });
});

describe('a token with too short a lifetime', () => {
  test('stops requests for a longer one for 30 s, and no others', () => {
    const clock = movableClock();
    const cache = createShortTtlCache(clock);
    const error = cache.remember('key', NAME, 10 * SECOND);
    expect(error).toMatchObject({ reason: 'TTL_UNATTAINABLE', metadata: { attainable: '10s' } });
    const check = (minTtl: number, key = 'key') => errorOf(() => cache.check(key, minTtl));
    expect(check(10 * SECOND)).toBeUndefined();
    expect(check(10 * SECOND + 1, 'other')).toBeUndefined();
    clock.time += 30 * SECOND - 1;
    expect(check(10 * SECOND + 1)).toBe(error);
    clock.time += 1;
    expect(check(10 * SECOND + 1)).toBeUndefined();
  });

  test('is reported in whole seconds, at least 0', () => {
    const attainable = (ttl: number) => ttlUnattainable(NAME, ttl);
    expect(attainable(10 * SECOND + 999)).toMatchObject({
      reason: 'TTL_UNATTAINABLE',
      metadata: { resource: NAME, attainable: '10s' },
    });
    expect(attainable(-1).metadata['attainable']).toBe('0s');
  });

  test('stops every request if it was not valid at all; another failure stops none', async () => {
    const cache = createShortTtlCache(movableClock());
    const entraError = 'http/200/expires_in';
    const error = new VaultError('ENTRA_UNAVAILABLE', 'unusable', { metadata: { entraError } });
    const other = new VaultError('ENTRA_UNAVAILABLE', 'an outage');
    for (const [key, failure] of [
      ['one', error],
      ['two', other],
    ] as const) {
      const work = Promise.reject(failure);
      cache.rememberFailure(key, work);
      await work.catch(() => {});
    }
    expect(errorOf(() => cache.check('one', 1))).toBe(error);
    expect(errorOf(() => cache.check('one', 0))).toBeUndefined();
    expect(errorOf(() => cache.check('two', 1))).toBeUndefined();
  });
});

test('a token that has expired already is an outage of Entra; a valid one and a refusal stay as they are', () => {
  const granted = (expireTime: number) =>
    ({ kind: 'granted', accessToken: { expireTime, correlationId: 'c' } }) as Parameters<typeof rejectUnusableToken>[0];
  expect(rejectUnusableToken(granted(NOW), NOW)).toMatchObject({
    kind: 'transient',
    subject: 'entra',
    reason: 'ENTRA_UNAVAILABLE',
    entraError: 'http/200/expires_in',
    correlationId: 'c',
    retryAfter: 30 * SECOND,
  });
  for (const outcome of [granted(NOW + 1), newFailure('reauthorize', 'connection', 'REAUTHORIZATION_REQUIRED', {})])
    expect(rejectUnusableToken(outcome, NOW)).toBe(outcome);
});
