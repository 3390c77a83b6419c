import { describe, expect, test } from 'vitest';
import { createAppFailures } from '../../src/entra/health/app_failure_confirmation.ts';
import { createCooldown } from '../../src/entra/health/cooldown_with_trials.ts';
import {
  type EvidenceContext,
  originOf,
  requesterOf,
  requestKey,
} from '../../src/entra/health/refusal_evidence_weight.ts';
import { createRequestCooldowns } from '../../src/entra/health/refused_request_cooldowns.ts';
import { createTrialSchedule } from '../../src/entra/health/trial_schedule.ts';
import { createDirectoryHealth } from '../../src/entra/health/weigh_refusals_of_app_in_directory.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Failure } from '../../src/model/token_request_outcome.ts';
import { createMovableClock, NOW } from './fixtures.ts';

function failing(entraError = 'unauthorized_client/AADSTS700016'): Failure {
  return {
    kind: 'app_config',
    subject: 'directory',
    reason: 'ADMIN_CONSENT_REQUIRED',
    entraError,
    correlationId: undefined,
    retryAfter: undefined,
    claims: undefined,
    hint: 'Consent first.',
  };
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `c${at}`);

describe('a cooldown', () => {
  const cooldownOf = (...requesters: string[]) => createCooldown(failing(), { requesters, order: 7 }, NOW);
  const OPEN = NOW + 5 * MINUTE;

  test('is closed to all for five minutes, and reports its reason', () => {
    const cooldown = cooldownOf('ada');
    for (const requester of ['ada', 'grace']) {
      expect(cooldown.isClosedTo(requester, OPEN - 1)).toBe(true);
      expect(cooldown.isClosedTo(requester, OPEN)).toBe(false);
    }
    const { reason, entraError, hint } = cooldown;
    expect({ reason, entraError, hint }).toMatchObject({
      reason: 'ADMIN_CONSENT_REQUIRED',
      entraError: 'unauthorized_client/AADSTS700016',
      hint: 'Consent first.',
    });
  });

  test('has one trial a minute for connections that have not failed', () => {
    const cooldown = cooldownOf('ada');
    cooldown.beginTrial('grace', OPEN);
    expect(cooldown.isClosedTo('alan', OPEN + MINUTE - 1)).toBe(true);
    expect(cooldown.isClosedTo('ada', OPEN)).toBe(false);
    expect(cooldown.isClosedTo('alan', OPEN + MINUTE)).toBe(false);
  });

  test('gives the failed connection that waited longest 30 s to have the trial', () => {
    const cooldown = cooldownOf('ada', 'bea');
    expect(cooldown.isClosedTo('bea', OPEN + 30 * SECOND - 1)).toBe(true);
    expect(cooldown.isClosedTo('bea', OPEN + 30 * SECOND)).toBe(false);
    cooldown.beginTrial('ada', OPEN);
    const next = OPEN + 5 * MINUTE;
    expect(cooldown.isClosedTo('bea', next - 1)).toBe(true);
    expect(cooldown.isClosedTo('bea', next)).toBe(false);
    expect(cooldown.isClosedTo('ada', next)).toBe(true);
    expect(cooldown.isClosedTo('ada', next + 30 * SECOND)).toBe(false);
  });

  test('closes to all for five minutes more when another connection fails the same way', () => {
    const cooldown = cooldownOf('ada');
    cooldown.confirm('grace', OPEN);
    expect(cooldown.isClosedTo('alan', OPEN + 5 * MINUTE - 1)).toBe(true);
    expect(cooldown.isClosedTo('alan', OPEN + 5 * MINUTE)).toBe(false);
    // It has a trial of its own from now on.
    const next = OPEN + 5 * MINUTE + 30 * SECOND;
    cooldown.beginTrial('alan', next);
    expect(cooldown.isClosedTo('grace', next)).toBe(false);
  });

  test('is not prolonged by a connection that failed before', () => {
    const cooldown = cooldownOf('ada');
    cooldown.confirm('ada', OPEN);
    expect(cooldown.isClosedTo('alan', OPEN)).toBe(false);
  });

  test('keeps a trial used that confirmed it, and gives back one that failed for another reason', () => {
    for (const [entraError, isClosed] of [
      ['unauthorized_client/AADSTS700016', true],
      ['invalid_grant/AADSTS50173', false],
    ] as const) {
      const cooldown = cooldownOf('ada');
      cooldown.beginTrial('grace', OPEN);
      cooldown.noteFailing('grace', { entraError });
      expect(cooldown.isClosedTo('alan', OPEN)).toBe(isClosed);
    }
    const confirmed = cooldownOf('ada');
    confirmed.beginTrial('grace', OPEN);
    confirmed.confirm('grace', OPEN);
    confirmed.noteFailing('grace', { entraError: 'invalid_grant/AADSTS50173' });
    expect(confirmed.isClosedTo('alan', OPEN + MINUTE)).toBe(true);
    const again = cooldownOf('ada', 'bea');
    again.beginTrial('ada', OPEN);
    again.confirm('ada', OPEN);
    again.noteFailing('ada', { entraError: 'invalid_grant/AADSTS50173' });
    expect(again.isClosedTo('bea', OPEN + MINUTE)).toBe(true);
  });

  test('recognizes a thousand failed connections; more of them do not prolong it', () => {
    const many = cooldownOf(...names(1_001));
    many.beginTrial('c1000', OPEN);
    expect(many.isClosedTo('grace', OPEN)).toBe(true);
    const full = cooldownOf(...names(1_000));
    full.confirm('late', OPEN);
    expect(full.isClosedTo('grace', OPEN)).toBe(false);
    full.beginTrial('late', OPEN);
    full.noteFailing('late', { entraError: 'invalid_grant/AADSTS50173' });
    expect(full.isClosedTo('grace', OPEN)).toBe(true);
    const last = cooldownOf(...names(999));
    last.confirm('last', OPEN);
    expect(last.isClosedTo('grace', OPEN)).toBe(true);
  });

  test('opens when the clock is set back before its start', () => {
    const cooldown = cooldownOf('ada');
    expect(cooldown.isClosedTo('grace', NOW)).toBe(true);
    expect(cooldown.isClosedTo('grace', NOW - 1)).toBe(false);
    const tried = cooldownOf('ada');
    tried.beginTrial('grace', OPEN);
    tried.beginTrial('ada', OPEN);
    expect(tried.isClosedTo('alan', OPEN - 6 * MINUTE)).toBe(false);
    expect(tried.isClosedTo('ada', OPEN - 6 * MINUTE)).toBe(false);
    const open = cooldownOf('ada');
    open.beginTrial('grace', OPEN + 3 * MINUTE);
    expect(open.isClosedTo('alan', OPEN + MINUTE)).toBe(false);
  });

  test('is refuted by a success of the request that started it, or of a later one', () => {
    const cooldown = cooldownOf('ada');
    expect([6, 7, 8].map(cooldown.isRefutedBy)).toEqual([false, true, true]);
  });
});

describe('a schedule of trials', () => {
  test('counts a request as the trial only when one is due', () => {
    const trials = createTrialSchedule(MINUTE, NOW);
    trials.begin('ada', NOW - 1);
    expect(trials.dueTime).toBe(NOW);
    trials.begin('ada', NOW);
    trials.begin('bea', NOW + 1);
    expect(trials.dueTime).toBe(NOW + MINUTE);
  });

  test('gives back the trial of its requester alone, once, and not after its result', () => {
    const trials = createTrialSchedule(MINUTE, NOW);
    trials.begin('ada', NOW);
    trials.undo('bea');
    expect(trials.dueTime).toBe(NOW + MINUTE);
    trials.undo('ada');
    expect(trials.dueTime).toBe(NOW);
    trials.begin('ada', NOW);
    trials.count();
    trials.undo('ada');
    expect(trials.dueTime).toBe(NOW + MINUTE);
  });

  test('is due at once if its time is further ahead than possible', () => {
    const trials = createTrialSchedule(MINUTE, NOW);
    trials.limit(NOW - MINUTE, MINUTE);
    expect(trials.dueTime).toBe(NOW);
    trials.limit(NOW - MINUTE - 1, MINUTE);
    expect(trials.dueTime).toBe(NOW - MINUTE - 1);
  });
});

describe('failures of the whole app', () => {
  const failureIn = (directoryId: string, more: { code?: string; tenantUid?: string; order?: number } = {}) => ({
    code: 'invalid_client/AADSTS7000218',
    directoryId,
    tenantUid: 'acme',
    order: 5,
    ...more,
  });

  test('are confirmed by the same code in another directory', () => {
    const failures = createAppFailures();
    expect(failures.isConfirmed(failureIn('one'))).toBe(false);
    expect(failures.isConfirmed(failureIn('one'))).toBe(false);
    expect(failures.isConfirmed(failureIn('two', { code: 'invalid_client/AADSTS700025' }))).toBe(false);
    expect(failures.isConfirmed(failureIn('two'))).toBe(true);
  });

  test('are not forgotten when their directory fails with another code', () => {
    const failures = createAppFailures();
    failures.isConfirmed(failureIn('one'));
    failures.isConfirmed(failureIn('one', { code: 'invalid_client/AADSTS700025' }));
    expect(failures.isConfirmed(failureIn('two'))).toBe(true);
  });

  test('are refuted by a success of a request that was sent after them', () => {
    for (const [order, isConfirmed] of [
      [4, true],
      [5, false],
    ] as const) {
      const failures = createAppFailures();
      failures.isConfirmed(failureIn('one'));
      failures.refute(order);
      expect(failures.isConfirmed(failureIn('two'))).toBe(isConfirmed);
    }
  });

  test('of one tenant confirm nothing once a second tenant uses the app', () => {
    const failures = createAppFailures();
    failures.isConfirmed(failureIn('one'));
    failures.noteTenant('other');
    expect(failures.isConfirmed(failureIn('two'))).toBe(false);
    expect(failures.isConfirmed(failureIn('three', { tenantUid: 'other' }))).toBe(true);
  });

  test('are remembered for the latest sixteen', () => {
    for (const [between, isConfirmed] of [
      [15, true],
      [16, false],
    ] as const) {
      const failures = createAppFailures();
      failures.isConfirmed(failureIn('one'));
      for (const name of names(between)) failures.isConfirmed(failureIn(name, { code: name }));
      expect(failures.isConfirmed(failureIn('two'))).toBe(isConfirmed);
    }
  });
});

describe('the health of a directory', () => {
  function open(isShared = false, wasGrantedSince = async (_time: number, _except: string) => false) {
    const clock = createMovableClock();
    const health = createDirectoryHealth({ clock, isShared, wasGrantedSince });
    const of = (requester: string, order = 1, tenantUid = 'acme') => ({ requester, tenantUid, order });
    const unknown = (requester: string, order?: number, tenantUid?: string) =>
      health.refused(of(requester, order, tenantUid), failing('unauthorized_client/AADSTS7999999'), false);
    const known = (requester: string, order?: number, tenantUid?: string) =>
      health.refused(of(requester, order, tenantUid), failing(), true);
    return { clock, health, of, unknown, known };
  }

  test.each([
    [5 * MINUTE - 1, 'COOLDOWN'],
    [5 * MINUTE, 'REQUEST'],
  ])('counts equal unknown failures of three connections within five minutes (after %i ms)', async (later, verdict) => {
    const { clock, unknown } = open();
    expect(await unknown('one')).toBe('REQUEST');
    expect(await unknown('two')).toBe('REQUEST');
    expect(await unknown('two')).toBe('REQUEST');
    clock.advance(later);
    expect(await unknown('three')).toBe(verdict);
  });

  test('counts no failures with different codes together', async () => {
    const { health, of, unknown } = open();
    await unknown('one');
    await unknown('two');
    expect(await health.refused(of('three'), failing('unauthorized_client/AADSTS7999998'), false)).toBe('REQUEST');
  });

  test.each([
    [2 * HOUR - 1, 'UNPROVED'],
    [2 * HOUR, 'COOLDOWN'],
  ])('a grant to another connection leaves the decision to a probe for two hours (%i ms)', async (later, verdict) => {
    const { clock, health, of, known } = open();
    health.granted(of('grace'));
    health.granted(of('ada'));
    health.granted(of('ada'));
    clock.advance(later);
    expect(await known('ada', 2)).toBe(verdict);
  });

  test('a grant to the same connection alone proves nothing about a later refusal', async () => {
    const { health, of, known } = open();
    health.granted(of('ada'));
    health.granted(of('ada'));
    expect(await known('ada', 2)).toBe('COOLDOWN');
  });

  test('grants before the start are read from the database, for two hours', async () => {
    const asked: unknown[] = [];
    const { clock, known } = open(false, async (...parts) => asked.push(parts) > 0);
    clock.advance(2 * HOUR - 1);
    expect(await known('ada')).toBe('UNPROVED');
    expect(asked).toEqual([[clock.now() - 2 * HOUR, 'ada']]);
    clock.advance(1);
    expect(await known('ada')).toBe('COOLDOWN');
    expect(asked).toHaveLength(1);
  });

  test('a success that arrives while the database is read refutes the refusal', async () => {
    const gate = Promise.withResolvers<boolean>();
    const { health, of, known } = open(false, () => gate.promise);
    const refused = known('ada', 1);
    health.granted(of('ada', 2));
    gate.resolve(false);
    expect(await refused).toBe('REQUEST');
    expect(health.cooldown).toBeUndefined();
  });

  test('a success refutes only refusals of requests that were sent before it', async () => {
    const { health, of, known } = open();
    health.granted(of('ada', 2));
    expect(await known('ada', 1)).toBe('REQUEST');
    expect(await known('ada', 2)).toBe('COOLDOWN');
  });

  test('refusals before a success are not counted with later ones', async () => {
    const { health, of, unknown } = open();
    await unknown('one', 1);
    await unknown('two', 1);
    health.granted(of('grace', 2));
    await unknown('three', 3);
    await unknown('four', 4);
    expect(health.cooldown).toBeUndefined();
    expect(await unknown('five', 5)).toBe('COOLDOWN');
  });

  test('refusals that a success has refuted are never counted', async () => {
    const { health, of, unknown } = open();
    health.granted(of('grace', 2));
    for (const name of names(3)) expect(await unknown(name, 1)).toBe('REQUEST');
    expect(health.cooldown).toBeUndefined();
  });

  test('a success of an earlier request ends no cooldown, and the next refusal confirms it', async () => {
    const { health, of, known, unknown } = open();
    await known('ada', 5);
    health.granted(of('grace', 4));
    expect(health.cooldown).toBeDefined();
    expect(await known('alan', 6)).toBe('COOLDOWN');
    expect(await unknown('bea', 6)).toBe('REQUEST');
  });

  test('an unknown refusal confirms a cooldown of the same code', async () => {
    const { clock, health, of, unknown } = open();
    for (const name of names(3)) await unknown(name);
    clock.advance(5 * MINUTE);
    expect(await unknown('c3', 2)).toBe('COOLDOWN');
    const other = failing('unauthorized_client/AADSTS7999998');
    expect(await health.refused(of('c4', 2), other, false)).toBe('REQUEST');
  });

  test('the connections that started a cooldown count as failed', async () => {
    for (const count of [1, 3]) {
      const { clock, health, known, unknown } = open();
      if (count === 1) await known('c0');
      else for (const name of names(3)) await unknown(name);
      clock.advance(5 * MINUTE);
      health.cooldown?.beginTrial('grace', clock.now());
      expect(health.cooldown?.isClosedTo('alan', clock.now())).toBe(true);
      expect(health.cooldown?.isClosedTo('c0', clock.now())).toBe(false);
    }
  });

  test('of a shared app knows its tenants by their grants and by their refusals', async () => {
    const granted = open(true);
    granted.health.granted(granted.of('theirs', 1, 'other'));
    granted.clock.advance(3 * HOUR);
    expect(await granted.known('ada', 2)).toBe('UNPROVED');
    const refused = open(true);
    await refused.unknown('theirs', 1, 'other');
    expect(await refused.known('ada', 2)).toBe('UNPROVED');
  });

  test('refusals of one tenant of a shared app are left to a probe, those of two are not', async () => {
    const { health, known, unknown } = open(true);
    health.noteTenant('acme');
    health.noteTenant('other');
    expect(await known('ada')).toBe('UNPROVED');
    for (const name of names(3)) await unknown(name);
    expect(await unknown('c3')).toBe('UNPROVED');
    expect(health.cooldown).toBeUndefined();
    expect(await unknown('theirs', 1, 'other')).toBe('COOLDOWN');
  });

  test('of an app that one tenant uses is decided by that tenant', async () => {
    expect(await open(true).known('ada')).toBe('COOLDOWN');
    const { health, known } = open(false);
    health.noteTenant('other');
    expect(await known('ada')).toBe('COOLDOWN');
  });

  test('a probe starts the cooldown, unless a success was sent after it', () => {
    for (const order of [3, 4]) {
      const { health, of } = open();
      health.granted(of('ada', 4));
      health.confirm(failing(), order);
      expect(health.cooldown !== undefined).toBe(order === 4);
    }
  });

  test('a second refusal prolongs the cooldown, and does not start another one', async () => {
    const { clock, health, known } = open();
    await known('ada', 1);
    const { cooldown } = health;
    clock.advance(5 * MINUTE);
    expect(await known('grace', 2)).toBe('COOLDOWN');
    expect(health.cooldown).toBe(cooldown);
    expect(cooldown?.isClosedTo('alan', clock.now())).toBe(true);
  });
});

describe('a request', () => {
  const context: EvidenceContext = {
    connectionUid: 'ada',
    weight: 'FULL',
    tenantUid: 'acme',
    directoryId: 'contoso',
    resource: 'https://graph.microsoft.com',
    scopes: ['b', 'A'],
    claims: undefined,
    isRetry: false,
  };
  const keyOf = (changes: Partial<EvidenceContext> = {}, grant = 'refresh_token') =>
    requestKey({ ...context, ...changes }, grant);

  test('is the same, whatever the order and case of its scopes', () => {
    expect(keyOf({ scopes: ['a', 'B'] })).toBe(keyOf());
    expect(keyOf()).toMatch(/^ada contoso https:/);
  });

  test.each([
    [{ scopes: ['a', 'c'] }],
    [{ scopes: ['ba'] }],
    [{ claims: '{}' }],
    [{ directoryId: undefined }],
    [{ resource: 'https://outlook.office.com' }],
    [{ connectionUid: 'bea' }],
  ])('is another one with %j', (changes) => expect(keyOf(changes)).not.toBe(keyOf()));

  test('with claims is another one than with scopes that end like them', () => {
    expect(keyOf({ scopes: ['a', 'b'], claims: '{}' })).not.toBe(keyOf({ scopes: ['a', 'b{}'] }));
  });

  test('of a code or an import is never repeated; one for the app itself is', () => {
    expect(keyOf({ connectionUid: undefined }, 'authorization_code')).toBeUndefined();
    expect(keyOf({ connectionUid: undefined }, 'client_credentials')).toMatch(/^app contoso /);
    expect(keyOf({ connectionUid: undefined, directoryId: undefined }, 'client_credentials')).toMatch(/^app {2}https/);
  });

  test('without a connection shares its trials, and is evidence of its own', () => {
    expect([originOf({ connectionUid: 'ada' }), originOf({ connectionUid: undefined })]).toEqual(['ada', '']);
    expect(requesterOf({ connectionUid: 'ada' }, 1)).toBe('ada');
    expect(requesterOf({ connectionUid: undefined }, 1)).not.toBe(requesterOf({ connectionUid: undefined }, 2));
  });

  test.each([
    ['known', true, 5 * MINUTE],
    ['unknown', false, MINUTE],
  ])('with a %s refusal is refused again until its time, and not after a success', (_, known, duration) => {
    const clock = createMovableClock();
    const cooldowns = createRequestCooldowns(clock);
    cooldowns.start('ada', failing(), known);
    clock.advance(duration - 1);
    expect(cooldowns.find('ada')).toEqual({ ...failing(), retryAfter: 1 });
    expect(cooldowns.find('bea')).toBeUndefined();
    clock.advance(1);
    expect(cooldowns.find('ada')).toBeUndefined();
    // Forgotten: a clock that is set back does not bring it back.
    clock.advance(-1);
    expect(cooldowns.find('ada')).toBeUndefined();
    cooldowns.start('ada', failing(), known);
    cooldowns.end('ada');
    expect(cooldowns.find('ada')).toBeUndefined();
  });

  test('that is never repeated is not refused', () => {
    const cooldowns = createRequestCooldowns(createMovableClock());
    cooldowns.start(undefined, failing(), true);
    cooldowns.end(undefined);
    expect(cooldowns.find(undefined)).toBeUndefined();
  });
});
