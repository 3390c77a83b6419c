import { beforeEach, describe, expect, test } from 'vitest';
import { silentMetrics } from '../../src/entra/entra_metrics_interface.ts';
import type { Meaning } from '../../src/entra/errors/classify_entra_response.ts';
import { type AppHealthParts, createAppHealth } from '../../src/entra/health/app_health.ts';
import { createAppHealths } from '../../src/entra/health/app_health_cache.ts';
import type { HealthProbe, ProbeResult } from '../../src/entra/health/background_health_probes.ts';
import type { EvidenceContext } from '../../src/entra/health/refusal_evidence_weight.ts';
import { HOUR, MINUTE } from '../../src/model/clock.ts';
import { type App, PERSONAL_DIRECTORY } from '../../src/model/entra_app.ts';
import type { Reason } from '../../src/model/errors.ts';
import type { Failure } from '../../src/model/token_request_outcome.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { createRecordingAppStateStore, type RecordingAppStateStore } from './app_state_store.ts';
import { aSecret, createMovableClock, GRAPH } from './fixtures.ts';
import { acme } from './with_sandbox.ts';

interface SentProbe {
  readonly probe: HealthProbe;
  readonly settle: (result: ProbeResult) => Promise<void>;
}

let clock: ReturnType<typeof createMovableClock>;
let store: RecordingAppStateStore;
let probes: SentProbe[];
let cooldowns: string[];
beforeEach(() => {
  clock = createMovableClock();
  store = createRecordingAppStateStore(aSecret('one'));
  probes = [];
  cooldowns = [];
});

const partsOf = (): Omit<AppHealthParts, 'app' | 'isStale' | 'isCurrent'> => ({
  clock,
  appStateStore: store,
  metrics: { ...silentMetrics, cooldownStarted: (subject, reason) => void cooldowns.push(`${subject} ${reason}`) },
  log: silentLog,
  probes: { send: (probe, settle) => void probes.push({ probe, settle }), settled: async () => {} },
});
const healthOf = (app: App = acme()) => createAppHealth({ ...partsOf(), app, isStale: false, isCurrent: () => true });

const request = (connectionUid: string, more: Partial<EvidenceContext> = {}): EvidenceContext => ({
  connectionUid,
  weight: 'FULL',
  tenantUid: 'tenant-1',
  directoryId: CONTOSO,
  resource: GRAPH,
  scopes: ['Mail.Read'],
  claims: undefined,
  isRetry: false,
  ...more,
});
const ada = request('ada');
const inFabrikam = request('alan', { directoryId: FABRIKAM });

function failure(subject: Failure['subject'], reason: Reason = 'APP_MISCONFIGURED', more: Partial<Failure> = {}) {
  const base = { kind: 'app_config', correlationId: undefined, retryAfter: undefined, claims: undefined } as const;
  return { ...base, subject, reason, entraError: `invalid_client/${subject}`, ...more } satisfies Failure;
}
const meaning = (of: Failure, known = true): Meaning => ({
  failure: of,
  known,
  codes: [],
  suberror: undefined,
  suspectsCredential: false,
});
const ofApp = meaning(failure('app'));
const ofDirectory = meaning(failure('directory', 'ADMIN_CONSENT_REQUIRED'));
const ofResource = meaning(failure('resource_in_directory', 'BLOCKED_BY_POLICY', { hint: 'enable it' }));
const grant = 'refresh_token';
const answered = (order: number, of?: Meaning): ProbeResult => ({ meaning: of, order, newSince: 0 });

/** Ends the only probe. */
async function end(order: number, of?: Meaning): Promise<HealthProbe> {
  const [sent] = probes.splice(0);
  if (sent === undefined) throw new Error('no probe');
  expect(probes).toEqual([]);
  await sent.settle(answered(order, of));
  return sent.probe;
}

describe('an app that is refused as a whole', () => {
  test('is probed in the directory of its registration, then of its last grant, then of the request', async () => {
    const directories: (string | undefined)[] = [];
    for (const [app, grantedIn, context] of [
      [acme({ homeDirectoryId: 'home' }), CONTOSO, inFabrikam],
      [acme(), CONTOSO, inFabrikam],
      [acme(), undefined, inFabrikam],
      [acme(), undefined, request('x', { weight: 'CREDENTIAL' })],
      [acme({ homeDirectoryId: PERSONAL_DIRECTORY }), CONTOSO, ada],
    ] as const) {
      const health = healthOf(app);
      if (grantedIn !== undefined) await health.granted(ada, grant, 1, grantedIn);
      await health.refused(context, grant, ofApp, 2);
      expect(health.probeDirectory(context)).toBe(probes[0]?.probe.directoryId);
      directories.push(...probes.splice(0).map(({ probe }) => probe.directoryId));
    }
    expect(directories).toEqual(['home', CONTOSO, FABRIKAM]);
  });

  test('keeps the directory of its last grant if a later one is at a shared address', async () => {
    const health = healthOf();
    await health.granted(ada, grant, 1, CONTOSO);
    await health.granted(ada, grant, 2, undefined);
    expect(health.probeDirectory(inFabrikam)).toBe(CONTOSO);
  });

  test('is blocked if its probe is refused so too, and not if it is refused otherwise or granted', async () => {
    for (const [of, isBlocked] of [
      [ofApp, true],
      [ofDirectory, false],
      [undefined, false],
    ] as const) {
      cooldowns = [];
      const health = healthOf();
      await health.refused(ada, grant, ofApp, 1);
      expect(await end(2, of)).toMatchObject({
        key: 'app-1 app',
        resource: undefined,
        credentials: health.credentials,
      });
      expect(health.refusal(inFabrikam) !== undefined).toBe(isBlocked);
      expect(cooldowns).toEqual(isBlocked ? ['app APP_MISCONFIGURED'] : []);
    }
    expect(store.writes).toEqual(['app MISCONFIGURED APP_MISCONFIGURED']);
  });

  test('is neither probed nor blocked for a request of a caller, or for a second attempt', async () => {
    const health = healthOf();
    await health.granted(ada, grant, 0, CONTOSO);
    await health.refused({ ...ada, weight: 'REQUEST' }, grant, ofApp, 1);
    await health.refused({ ...ada, isRetry: true }, grant, ofApp, 2);
    await health.refused({ ...inFabrikam, isRetry: true }, grant, ofApp, 3);
    expect([probes, cooldowns, health.refusal(ada)]).toEqual([[], [], undefined]);
  });

  test('is blocked by a second directory, and not by a shared address or a choice of the caller', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofApp, 1);
    const otherCode = meaning(failure('app', 'APP_MISCONFIGURED', { entraError: 'invalid_client/other' }));
    await health.refused(inFabrikam, grant, otherCode, 2);
    await health.refused({ ...inFabrikam, directoryId: undefined }, grant, ofApp, 2);
    await health.refused({ ...inFabrikam, weight: 'CREDENTIAL' }, grant, ofApp, 3);
    expect(cooldowns).toEqual([]);
    await health.refused(inFabrikam, grant, ofApp, 4);
    expect(cooldowns).toEqual(['app APP_MISCONFIGURED']);
    expect(health.refusal({ ...ada, directoryId: 'third' })).toMatchObject({ reason: 'APP_MISCONFIGURED' });
  });

  test('is not blocked by a second directory within two hours of a grant', async () => {
    const health = healthOf();
    await health.granted(ada, grant, 1, CONTOSO);
    clock.advance(2 * HOUR - 1);
    await health.refused(ada, grant, ofApp, 2);
    await health.refused(inFabrikam, grant, ofApp, 3);
    expect(cooldowns).toEqual([]);
    clock.advance(1);
    await health.refused(ada, grant, ofApp, 4);
    expect(cooldowns).toEqual(['app APP_MISCONFIGURED']);
  });

  test('is not blocked by what was sent before its last grant', async () => {
    const health = healthOf();
    await health.granted(ada, grant, 5, CONTOSO);
    await health.granted(ada, grant, 2, CONTOSO);
    clock.advance(3 * HOUR);
    await health.refused(ada, grant, ofApp, 4);
    await health.refused(inFabrikam, grant, ofApp, 4);
    expect(cooldowns).toEqual([]);
    probes.splice(1);
    await end(4, ofApp);
    expect([cooldowns, health.refusal(ada)]).toEqual([[], undefined]);
  });

  test('is served again after a grant that was sent after the failures, and stays blocked after an older one', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofApp, 3);
    await end(5, ofApp);
    await health.granted(ada, grant, 4, CONTOSO);
    expect(health.refusal(ada)).toBeDefined();
    expect(store.writes).toEqual(['app MISCONFIGURED APP_MISCONFIGURED']);
    await health.granted(ada, grant, 5, CONTOSO);
    expect(health.refusal(ada)).toBeUndefined();
    expect(store.writes).toEqual(['app MISCONFIGURED APP_MISCONFIGURED', 'app OK']);
  });

  test('stays blocked for a connection whose trial is refused, and sends no second probe', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofApp, 1);
    await end(2, ofApp);
    clock.advance(5 * MINUTE);
    expect(health.refusal(inFabrikam)).toBeUndefined();
    health.begin(inFabrikam, GRAPH);
    expect(health.refusal(request('grace'))).toBeDefined();
    expect(health.refusal(ada)).toBeUndefined();
    await health.refused(request('alan'), grant, ofApp, 3);
    expect(probes).toEqual([]);
    clock.advance(2 * MINUTE);
    expect(health.refusal(request('grace'))).toBeDefined();
  });

  test('leaves the trial to another connection if one fails for a reason of its own', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofApp, 1);
    await end(2, ofApp);
    clock.advance(5 * MINUTE);
    health.begin(inFabrikam, GRAPH);
    health.noteFailing(inFabrikam, failure('connection', 'REAUTHORIZATION_REQUIRED'));
    expect(health.refusal(request('grace'))).toBeUndefined();
  });
});

test('an app that tenants share is not blocked by two directories of one of them', async () => {
  const health = healthOf(acme({ sharedWith: ['*'] }));
  health.begin(request('theirs', { tenantUid: 'other' }), GRAPH);
  await health.refused(ada, grant, ofApp, 1);
  await health.refused(inFabrikam, grant, ofApp, 2);
  expect(cooldowns).toEqual([]);
  await health.refused(request('theirs', { tenantUid: 'other' }), grant, ofApp, 3);
  expect(cooldowns).toEqual(['app APP_MISCONFIGURED']);
});

test('a failure of an app that a grant refuted does not confirm one of another directory', async () => {
  const health = healthOf();
  await health.refused(ada, grant, ofApp, 1);
  await health.granted(ada, grant, 2, CONTOSO);
  clock.advance(3 * HOUR);
  await health.refused(inFabrikam, grant, ofApp, 3);
  expect(cooldowns).toEqual([]);
});

describe('an app without an accepted credential', () => {
  const rejected = failure('credential', 'INTERNAL', { kind: 'transient' });

  test('is blocked, with the same reason for all, and confirmed by each further refusal', async () => {
    const health = healthOf();
    const named = await health.blockWithoutCredential(rejected, 1, 'ada');
    expect(named).toMatchObject({ kind: 'app_credential', subject: 'credential', reason: 'APP_CREDENTIAL_REJECTED' });
    clock.advance(4 * MINUTE);
    await health.blockWithoutCredential(rejected, 2, 'alan');
    clock.advance(4 * MINUTE);
    expect(cooldowns).toEqual(['credential APP_CREDENTIAL_REJECTED']);
    expect(health.refusal(ada)).toMatchObject({
      reason: 'APP_CREDENTIAL_REJECTED',
      message: expect.stringContaining('Entra accepts no credential of tenants/acme/apps/default.'),
      metadata: { resource: 'tenants/acme/apps/default', directoryId: CONTOSO },
    });
  });

  test('has another cooldown if it is misconfigured too', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofApp, 1);
    const [probe] = probes.splice(0);
    await health.blockWithoutCredential(rejected, 2, 'ada');
    await probe?.settle(answered(3, ofApp));
    expect(cooldowns).toEqual(['credential APP_CREDENTIAL_REJECTED', 'app APP_MISCONFIGURED']);
    expect(health.refusal(ada)).toMatchObject({
      reason: 'APP_MISCONFIGURED',
      message: expect.stringContaining('Entra refuses tenants/acme/apps/default.'),
    });
  });

  test('is served as soon as a credential passes, and a misconfigured one is not', async () => {
    const health = healthOf();
    await health.blockWithoutCredential(rejected, 1, 'ada');
    await health.credentialWorks();
    expect(health.refusal(ada)).toBeUndefined();
    expect(store.writes).toEqual(['app CREDENTIAL_REJECTED APP_CREDENTIAL_REJECTED', 'app OK']);

    await health.refused(ada, grant, ofApp, 2);
    await end(3, ofApp);
    await health.credentialWorks();
    expect(health.refusal(ada)).toBeDefined();
  });

  test('has no cooldown while no credential is valid, because the clock decides', async () => {
    const health = healthOf();
    const error = await health.withoutCredential();
    expect(error).toMatchObject({
      reason: 'APP_CREDENTIAL_REJECTED',
      metadata: { resource: 'tenants/acme/apps/default' },
    });
    expect(error.metadata).not.toHaveProperty('directoryId');
    expect([cooldowns, health.refusal(ada)]).toEqual([[], undefined]);
    expect(store.writes).toEqual(['app CREDENTIAL_REJECTED APP_CREDENTIAL_REJECTED']);
  });
});

describe('a directory that refuses the app', () => {
  test.each([
    ['ADMIN_CONSENT_REQUIRED', 'has no consent in the directory'],
    ['BLOCKED_BY_POLICY', 'does not admit tenants/acme/apps/default'],
  ] as const)('is refused with %s for all its connections, and no other is', async (reason, words) => {
    const health = healthOf();
    await health.refused(ada, grant, meaning(failure('directory', reason)), 1);
    await health.refused(request('grace'), grant, meaning(failure('directory', reason)), 2);
    expect(health.refusal(request('alan'))).toMatchObject({
      reason,
      message: expect.stringContaining(words),
      metadata: { directoryId: CONTOSO },
    });
    expect([health.refusal(inFabrikam), health.refusal({ ...ada, directoryId: undefined })]).toEqual([
      undefined,
      undefined,
    ]);
    expect(cooldowns).toEqual([`directory ${reason}`]);
    expect(store.writes).toEqual([`directory ${CONTOSO} ${reason}`]);
  });

  test('is served again after a grant, of a connection or of a probe', async () => {
    for (const end of [
      (health: ReturnType<typeof healthOf>) => health.granted(ada, grant, 2, CONTOSO),
      (health: ReturnType<typeof healthOf>) => health.probeGranted(CONTOSO, undefined, 2),
      (health: ReturnType<typeof healthOf>) => health.probeGranted(CONTOSO, GRAPH, 2),
    ]) {
      store.writes.splice(0);
      const health = healthOf();
      await health.refused(ada, grant, ofDirectory, 1);
      await end(health);
      expect(health.refusal(request('alan'))).toBeUndefined();
      expect(store.writes).toEqual([`directory ${CONTOSO} ADMIN_CONSENT_REQUIRED`, `directory ${CONTOSO} OK`]);
    }
  });

  test('of the only one is a fault of the registration, and marks the app', async () => {
    const health = healthOf(acme({ signInAudience: CONTOSO }));
    expect(await health.refused(ada, grant, ofDirectory, 1)).toMatchObject({ reason: 'APP_MISCONFIGURED' });
    expect(store.writes).toEqual([`directory ${CONTOSO} APP_MISCONFIGURED`, 'app MISCONFIGURED APP_MISCONFIGURED']);
  });

  test('does not mark the app if it worked elsewhere within two hours', async () => {
    const health = healthOf();
    await health.granted(request('x', { directoryId: 'third' }), grant, 1, 'third');
    await health.refused(ada, grant, ofDirectory, 2);
    await health.refused(inFabrikam, grant, ofDirectory, 3);
    expect(store.writes.filter((note) => note.startsWith('app'))).toEqual([]);
    clock.advance(2 * HOUR);
    await health.refused(request('y', { directoryId: 'fourth' }), grant, ofDirectory, 4);
    expect(store.writes.filter((note) => note.startsWith('app'))).toEqual(['app MISCONFIGURED APP_MISCONFIGURED']);
  });

  test('is not marked for a choice of the caller, a second attempt or a shared address', async () => {
    const health = healthOf();
    await health.refused({ ...ada, weight: 'CREDENTIAL' }, grant, ofDirectory, 1);
    await health.refused({ ...ada, isRetry: true }, grant, ofDirectory, 2);
    await health.refused({ ...ada, directoryId: undefined }, grant, ofDirectory, 3);
    expect([cooldowns, probes, store.writes]).toEqual([[], [], []]);
  });

  test('that worked for another connection lately is probed first', async () => {
    const health = healthOf();
    await health.granted(request('alan'), grant, 1, CONTOSO);
    await health.refused(ada, grant, ofDirectory, 2);
    expect(cooldowns).toEqual([]);
    const sent = await end(3, meaning(failure('app')));
    expect(sent).toMatchObject({ key: `app-1 ${CONTOSO} `, directoryId: CONTOSO, resource: GRAPH });
    expect(cooldowns).toEqual([]);

    await health.refused(ada, grant, ofDirectory, 4);
    await end(5, { ...ofDirectory, known: false });
    expect(cooldowns).toEqual([]);

    await health.refused(ada, grant, ofDirectory, 6);
    await end(7, ofDirectory);
    expect(cooldowns).toEqual(['directory ADMIN_CONSENT_REQUIRED']);
    expect(health.refusal(request('alan'))).toBeDefined();
  });

  test('that worked for another connection before a restart is probed first', async () => {
    store = { ...store, wasGrantedSince: async () => true };
    const health = healthOf();
    await health.refused(ada, grant, ofDirectory, 1);
    expect([cooldowns, probes.length]).toEqual([[], 1]);
  });

  test('whose probe is granted works, whatever was refused before it', async () => {
    const health = healthOf();
    await health.granted(request('alan'), grant, 1, CONTOSO);
    await health.refused(ada, grant, ofDirectory, 2);
    await end(3);
    clock.advance(3 * HOUR);
    await health.refused(ada, grant, ofDirectory, 2);
    expect([cooldowns, probes]).toEqual([[], []]);
  });

  test('of a shared app is not blocked by one tenant, if another uses it there', async () => {
    const health = healthOf(acme({ sharedWith: ['*'] }));
    const theirs = request('theirs', { tenantUid: 'other' });
    health.begin({ ...theirs, weight: 'REQUEST' }, GRAPH);
    health.begin({ ...theirs, directoryId: undefined }, GRAPH);
    await health.refused(ada, grant, ofDirectory, 1);
    expect(cooldowns).toEqual(['directory ADMIN_CONSENT_REQUIRED']);

    const another = healthOf(acme({ sharedWith: ['*'] }));
    another.begin(theirs, GRAPH);
    await another.refused(ada, grant, ofDirectory, 1);
    await another.refused(ada, grant, ofResource, 2);
    expect(probes.map(({ probe }) => probe.key)).toEqual([`app-1 ${CONTOSO} `, `app-1 ${CONTOSO} ${GRAPH}`]);
    expect(another.refusal(ada)).toBeUndefined();
  });
});

describe('a resource that is refused in a directory', () => {
  const other = { ...ada, resource: 'https://outlook.office.com' };

  test('is refused there with its reason and hint, and no other resource or directory is', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofResource, 1);
    expect(health.refusalOf(request('alan'), grant)).toMatchObject({
      kind: 'app_config',
      subject: 'resource_in_directory',
      reason: 'BLOCKED_BY_POLICY',
      hint: 'enable it',
    });
    expect(health.refusalOf({ ...other, connectionUid: 'alan' }, grant)).toBeUndefined();
    expect(health.refusalOf(inFabrikam, grant)).toBeUndefined();
    expect(health.refusal(ada)).toBeUndefined();
    expect(cooldowns).toEqual(['resource_in_directory BLOCKED_BY_POLICY']);
    expect(store.writes).toEqual([`directory ${CONTOSO} BLOCKED_BY_POLICY`]);
  });

  test('has a trial after five minutes, and is served after a grant', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofResource, 1);
    clock.advance(5 * MINUTE);
    expect(health.refusalOf(request('alan'), grant)).toBeUndefined();
    health.begin(request('alan'), GRAPH);
    expect(health.refusalOf(request('grace'), grant)).toBeDefined();
    health.noteFailing(request('alan'), failure('connection', 'REAUTHORIZATION_REQUIRED'));
    expect(health.refusalOf(request('grace'), grant)).toBeUndefined();
    health.begin(request('grace'), GRAPH);
    await health.granted(request('grace'), grant, 2, CONTOSO);
    expect(health.refusalOf(request('alan'), grant)).toBeUndefined();
    expect(store.writes).toEqual([`directory ${CONTOSO} BLOCKED_BY_POLICY`, `directory ${CONTOSO} OK`]);
  });

  test('leaves the directory marked while another resource is granted', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofResource, 1);
    await health.granted(other, grant, 2, CONTOSO);
    expect(store.writes).toEqual([`directory ${CONTOSO} BLOCKED_BY_POLICY`]);
    await health.probeGranted(CONTOSO, undefined, 3);
    expect(health.refusalOf(request('alan'), grant)).toBeDefined();
    await health.probeGranted(CONTOSO, GRAPH, 4);
    expect(health.refusalOf(request('alan'), grant)).toBeUndefined();
    expect(store.writes).toEqual([`directory ${CONTOSO} BLOCKED_BY_POLICY`, `directory ${CONTOSO} OK`]);
  });

  test('of the only directory does not mark the app', async () => {
    const health = healthOf(acme({ signInAudience: CONTOSO }));
    await health.refused(ada, grant, ofResource, 1);
    expect(store.writes).toEqual([`directory ${CONTOSO} BLOCKED_BY_POLICY`]);
  });
});

describe('the same request', () => {
  const ofRequest = meaning(failure('request'));

  test('is refused for a while, until it is granted, and no other is', async () => {
    const health = healthOf();
    await health.refused(ada, grant, ofRequest, 1);
    expect(health.refusalOf(ada, grant)).toMatchObject({ subject: 'request', reason: 'APP_MISCONFIGURED' });
    expect(health.refusalOf({ ...ada, scopes: ['User.Read'] }, grant)).toBeUndefined();
    await health.granted(ada, grant, 2, CONTOSO);
    expect(health.refusalOf(ada, grant)).toBeUndefined();
    expect([cooldowns, probes, health.refusal(ada)]).toEqual([[], [], undefined]);
  });

  test('is not refused for the failure of a second attempt', async () => {
    const health = healthOf();
    await health.refused({ ...ada, isRetry: true }, grant, ofRequest, 1);
    expect(health.refusalOf(ada, grant)).toBeUndefined();
  });

  test('counts against its directory if three connections get the same unknown code', async () => {
    const health = healthOf();
    const unknown = meaning(failure('request'), false);
    for (const name of ['one', 'two', 'three']) await health.refused(request(name), grant, unknown, 1);
    expect(health.refusal(request('four'))).toMatchObject({ reason: 'APP_MISCONFIGURED' });
  });
});

describe('the health of an app in memory', () => {
  const healths = () => createAppHealths(partsOf());
  const at = (updateTime: number, version = updateTime) => acme({ updateTime, version });

  test('stays until the app changes, and an older reader of the app does not restore its state', () => {
    const all = healths();
    const first = all.of(at(1));
    expect(all.of(at(1))).toBe(first);
    const second = all.of(at(2));
    expect(second).not.toBe(first);
    expect(all.of(at(1))).toBe(second);
    expect(all.of(acme({ uid: 'another' }))).not.toBe(second);
  });

  test('of a forgotten app is new, and does not believe the state of a version that was forgotten', async () => {
    const all = healths();
    const old = all.of(at(1));
    all.forget('never used');
    all.forget('app-1');
    const next = all.of(at(1));
    expect(next).not.toBe(old);
    await next.granted(ada, grant, 1, CONTOSO);
    expect(store.writes).toEqual(['app OK', `directory ${CONTOSO} OK`]);
    await old.granted(ada, grant, 2, CONTOSO);
    await old.blockWithoutCredential(failure('credential'), 3, 'ada');
    expect(store.writes).toHaveLength(2);
  });

  test('believes a version that is newer than the forgotten one, and any after all were forgotten', async () => {
    for (const forget of [
      (all: ReturnType<typeof healths>) => all.of(at(2)),
      (all: ReturnType<typeof healths>) => {
        all.forgetAll();
        return all.of(at(1));
      },
    ]) {
      const all = healths();
      const old = all.of(at(1));
      all.forget('app-1');
      const next = forget(all);
      expect(next).not.toBe(old);
      await next.granted(ada, grant, 1, CONTOSO);
    }
    const all = healths();
    await all.of(at(1)).granted(ada, grant, 1, CONTOSO);
    expect(store.writes).toEqual([]);
  });
});
