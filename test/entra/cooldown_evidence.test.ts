import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentMetrics } from '../../src/entra/entra_metrics_interface.ts';
import { createAppHealth } from '../../src/entra/health/app_health.ts';
import { createCooldown } from '../../src/entra/health/cooldown_with_trials.ts';
import { type EvidenceContext, originOf } from '../../src/entra/health/refusal_evidence_weight.ts';
import { createRequestCooldowns } from '../../src/entra/health/refused_request_cooldowns.ts';
import { createDirectoryHealth } from '../../src/entra/health/weigh_refusals_of_app_in_directory.ts';
import { HOUR, MINUTE } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Failure } from '../../src/model/token_request_outcome.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { createRecordingAppStateStore } from './app_state_store.ts';
import { anApp, aSecret, createMovableClock, createServer, failed, GRAPH, granted } from './fixtures.ts';
import { DIRECTORY, errorBody, idToken, json, startTokenEndpoint, tokenBody } from './token_endpoint.ts';
import { ADA, ALAN, acme, type Stage, startStage } from './with_sandbox.ts';

const of = (connectionUid: string) => ({ connectionUid, weight: 'FULL' }) as const;

function failure(entraError: string, subject: Failure['subject']): Failure {
  return {
    kind: 'app_config',
    subject,
    reason: 'APP_MISCONFIGURED',
    entraError,
    correlationId: undefined,
    retryAfter: undefined,
    claims: undefined,
  };
}

describe('a directory', () => {
  const clock = createMovableClock();
  const directoryHealth = () => createDirectoryHealth({ clock, isShared: false, wasGrantedSince: async () => false });
  const request = (requester: string, order: number) => ({ requester, tenantUid: 'acme', order });
  const gone = failure('unauthorized_client/AADSTS700016', 'directory');

  test('gets no cooldown for a failure sent before a success of the same connection', async () => {
    const health = directoryHealth();
    health.granted(request('ada', 2));
    expect(await health.refused(request('ada', 1), gone, true)).toBe('REQUEST');
    expect(health.cooldown).toBeUndefined();
  });

  test('gets no longer cooldown if a connection fails for another reason', async () => {
    const health = directoryHealth();
    await health.refused(request('ada', 1), gone, true);
    clock.advance(5 * MINUTE);
    health.cooldown?.beginTrial('alan', clock.now());
    await health.refused(request('alan', 2), failure('unauthorized_client/AADSTS7999999', 'request'), false);
    clock.advance(MINUTE);
    expect(health.cooldown?.isClosedTo('grace', clock.now())).toBe(false);
  });
});

describe('an app', () => {
  const clock = createMovableClock();
  const health = (app: App) =>
    createAppHealth({
      app,
      clock,
      appStateStore: createRecordingAppStateStore(aSecret('one')),
      metrics: silentMetrics,
      log: silentLog,
      isStale: false,
      isCurrent: () => true,
      probes: { send() {}, settled: async () => {} },
    });
  const context = (connectionUid: string, directoryId: string, tenantUid = 'tenant-1'): EvidenceContext => ({
    ...of(connectionUid),
    tenantUid,
    directoryId,
    resource: GRAPH,
    scopes: [],
    claims: undefined,
    isRetry: false,
  });
  const ofApp = {
    failure: failure('invalid_client/AADSTS7000218', 'app'),
    codes: [7000218],
    suberror: undefined,
    known: true,
    suspectsCredential: false,
  };
  const isBlocked = (of: ReturnType<typeof health>) =>
    of.refusal({ connectionUid: 'grace', weight: 'FULL', directoryId: CONTOSO, tenantUid: 'tenant-1' }) !== undefined;

  test('gets no cooldown for a failure sent before a probe was granted', async () => {
    const one = health(acme());
    await one.probeGranted(CONTOSO, undefined, 5);
    await one.blockWithoutCredential(failure('invalid_client/AADSTS7000215', 'credential'), 3, 'ada');
    expect(isBlocked(one)).toBe(false);
  });

  test('gets no cooldown for a second directory if the first one works again', async () => {
    const one = health(acme());
    await one.refused(context('ada', CONTOSO), 'refresh_token', ofApp, 1);
    await one.granted(context('ada', CONTOSO), 'refresh_token', 2, CONTOSO);
    clock.advance(3 * HOUR);
    await one.refused(context('alan', FABRIKAM), 'refresh_token', ofApp, 3);
    expect(isBlocked(one)).toBe(false);
  });

  test('that tenants share gets a cooldown only for a second directory of another tenant', async () => {
    const one = health(acme({ sharedWith: ['*'] }));
    one.begin(context('theirs', CONTOSO, 'tenant-2'), GRAPH);
    await one.granted(context('theirs', CONTOSO, 'tenant-2'), 'refresh_token', 1, CONTOSO);
    clock.advance(3 * HOUR);
    await one.refused(context('ada', CONTOSO), 'refresh_token', ofApp, 2);
    await one.refused(context('alan', FABRIKAM), 'refresh_token', ofApp, 3);
    expect(isBlocked(one)).toBe(false);
    await one.refused(context('theirs', CONTOSO, 'tenant-2'), 'refresh_token', ofApp, 4);
    expect(isBlocked(one)).toBe(true);
  });
});

test('failing connections get a trial every 5.5 minutes, even if one sends no more requests', () => {
  const clock = createMovableClock();
  const cooldown = createCooldown(
    failure('unauthorized_client/AADSTS700016', 'directory'),
    { requesters: ['gone', 'ada'], order: 1 },
    clock.now(),
  );
  for (let trial = 0; trial < 3; trial++) {
    clock.advance(5.5 * MINUTE);
    expect(cooldown.isClosedTo('ada', clock.now())).toBe(false);
    cooldown.beginTrial('ada', clock.now());
  }
});

describe('during the cooldown of a directory', () => {
  const gone = failure('unauthorized_client/AADSTS700016', 'directory');
  const ownFault = failure('invalid_grant/AADSTS50173', 'connection');
  const affected = ['one', 'two', 'three', 'ada'];

  test.each([
    ['that failed in it', affected],
    ['that did not fail in it', ['another']],
  ])('connections %s and have faults of their own delay no other one', (_, requesters) => {
    const clock = createMovableClock();
    const cooldown = createCooldown(gone, { requesters, order: 1 }, clock.now());
    clock.advance(5 * MINUTE);

    for (const requester of affected.slice(0, 3)) {
      expect(cooldown.isClosedTo(requester, clock.now())).toBe(false);
      cooldown.beginTrial(requester, clock.now());
      expect(cooldown.isClosedTo('ada', clock.now())).toBe(true);
      cooldown.noteFailing(requester, ownFault);
    }

    expect(cooldown.isClosedTo('ada', clock.now())).toBe(false);
  });

  test('a connection with a fault of its own has one trial in five minutes', () => {
    const clock = createMovableClock();
    const cooldown = createCooldown(gone, { requesters: affected, order: 1 }, clock.now());
    clock.advance(5 * MINUTE);
    cooldown.beginTrial('one', clock.now());
    cooldown.noteFailing('one', ownFault);
    clock.advance(4 * MINUTE);
    expect(cooldown.isClosedTo('one', clock.now())).toBe(true);
    clock.advance(MINUTE);
    expect(cooldown.isClosedTo('one', clock.now())).toBe(false);
  });

  test('an import with a fault of its own delays no other import', () => {
    const clock = createMovableClock();
    const requester = originOf({ connectionUid: undefined });
    const cooldown = createCooldown(gone, { requesters: [requester], order: 1 }, clock.now());
    clock.advance(5 * MINUTE);
    cooldown.beginTrial(requester, clock.now());
    cooldown.noteFailing(requester, ownFault);
    expect(cooldown.isClosedTo(requester, clock.now())).toBe(false);
  });

  test('a connection that fails for the same reason delays the others that failed', () => {
    const clock = createMovableClock();
    const cooldown = createCooldown(gone, { requesters: affected, order: 1 }, clock.now());
    clock.advance(5 * MINUTE);
    cooldown.beginTrial('one', clock.now());
    cooldown.confirm('one', clock.now());
    cooldown.noteFailing('one', gone);
    expect(cooldown.isClosedTo('two', clock.now())).toBe(true);
  });
});

test('a success sent after the failures that started a cooldown ends it', async () => {
  const clock = createMovableClock();
  const directoryHealth = createDirectoryHealth({ clock, isShared: false, wasGrantedSince: async () => false });
  const gone = failure('unauthorized_client/AADSTS700016', 'directory');
  await directoryHealth.refused({ requester: 'ada', tenantUid: 'acme', order: 1 }, gone, true);
  clock.advance(5 * MINUTE);
  await directoryHealth.refused({ requester: 'grace', tenantUid: 'acme', order: 3 }, gone, true);
  directoryHealth.granted({ requester: 'alan', tenantUid: 'acme', order: 2 });
  expect(directoryHealth.cooldown).toBeUndefined();
});

test('a cooldown that a trial opened does not close again after the clock was set back', () => {
  const clock = createMovableClock();
  const cooldown = createCooldown(
    failure('unauthorized_client/AADSTS700016', 'directory'),
    { requesters: ['ada'], order: 1 },
    clock.now(),
  );
  clock.advance(-2 * MINUTE);
  cooldown.beginTrial('alan', clock.now());
  clock.advance(3 * MINUTE);
  expect(cooldown.isClosedTo('grace', clock.now())).toBe(false);
});

test('an unknown response refuses its request for a minute, even if the clock is set back', () => {
  const clock = createMovableClock();
  const cooldowns = createRequestCooldowns(clock);
  cooldowns.start('request', failure('invalid_request/AADSTS7999999', 'request'), false);
  clock.advance(-2 * MINUTE);
  expect(cooldowns.find('request')).toBeUndefined();
});

test('a code redeemed at a shared address ends the cooldown of its directory', async () => {
  const endpoint = await startTokenEndpoint();
  const appStateStore = createRecordingAppStateStore(aSecret('one'));
  const { refresh, server } = createServer({ url: endpoint.url, appStateStore });
  endpoint.answer((_, response) => json(response, 400, errorBody('unauthorized_client', 700016)));
  failed(await refresh(anApp(), DIRECTORY));
  await expect(refresh(anApp(), DIRECTORY)).rejects.toMatchObject({ reason: 'ADMIN_CONSENT_REQUIRED' });

  const id_token = idToken({ oid: 'alan', nonce: 'the-nonce' });
  endpoint.answer((_, response) => json(response, 200, tokenBody({ id_token })));
  const requester = { connectionUid: undefined, weight: 'CREDENTIAL' } as const;
  const request = { app: anApp(), directoryId: undefined, priority: 'FOREGROUND', requester } as const;
  const admission = await server.admit(request);
  const redirectUri = 'http://127.0.0.1/callback';
  const secret = new Secret('x'.repeat(43));
  const code = { code: secret, codeVerifier: secret, redirectUri, resource: GRAPH, scopes: [`${GRAPH}/Mail.Read`] };
  granted(await admission.redeemCode({ ...code, nonce: new Secret('the-nonce') }));
  admission.release();

  await expect(refresh(anApp(), DIRECTORY)).resolves.not.toThrow();
  expect(appStateStore.writes).toContain(`directory ${DIRECTORY} OK`);
  await server.close();
  await endpoint.close();
});

describe('through the sandbox', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await startStage();
  });
  afterEach(() => stage.close());

  test('an authorization code does not count as a second directory', async () => {
    stage.sandbox.injectFault({ kind: 'error', code: 7000218, count: 2 });
    const admission = await stage.server.admit({
      app: acme(),
      directoryId: undefined,
      priority: 'FOREGROUND',
      requester: { connectionUid: undefined, weight: 'CREDENTIAL' },
    });
    const secret = new Secret('x'.repeat(43));
    failed(
      await admission.redeemCode({
        code: secret,
        codeVerifier: secret,
        nonce: secret,
        redirectUri: 'http://127.0.0.1/callback',
        resource: GRAPH,
        scopes: [`${GRAPH}/Mail.Read`],
      }),
    );
    admission.release();
    failed(await stage.refresh());
    granted(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
    await stage.server.settled();
    expect(stage.appStateStore.writes.filter((note) => note.startsWith('app'))).toEqual([]);
  });

  test('a connection with its own fault does not use up the trials of a directory', async () => {
    stage.sandbox.injectFault({ kind: 'error', code: 700016, error: 'unauthorized_client', user: ADA });
    failed(await stage.refresh({ requester: of('ada') }));
    stage.sandbox.clearFaults();
    stage.sandbox.injectFault({ kind: 'error', code: 50087, user: ALAN, count: 1_000 });

    for (let minute = 5; minute < 8; minute++) {
      stage.sandbox.clock.advance(minute === 5 ? 5 * MINUTE : MINUTE);
      const refreshed = stage.refresh({ user: ALAN, directoryId: CONTOSO, requester: of('alan') });
      await refreshed.catch(() => {});
    }

    granted(await stage.refresh({ requester: of('grace') }));
  });

  test('a request that is refused locally takes no trial from others', async () => {
    const { clock } = stage.sandbox;
    stage.sandbox.injectFault({ kind: 'error', code: 700016, error: 'unauthorized_client' });
    failed(await stage.refresh({ requester: of('grace') }));
    clock.advance(5.5 * MINUTE);
    stage.sandbox.injectFault({ kind: 'error', code: 70011, error: 'invalid_scope' });
    failed(await stage.refresh({ requester: of('ada') }));

    failed(await stage.refresh({ requester: of('ada') }));
    granted(await stage.refresh({ requester: of('ada'), scopes: [`${GRAPH}/.default`] }));
    expect(stage.exchanges).toEqual(['app_config', 'app_config', 'granted']);
  });

  test('a credential that served another connection shortly before is not rejected by one refusal', async () => {
    granted(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
    stage.server.forget(acme().uid);
    stage.sandbox.injectFault({ kind: 'error', code: 7000215, error: 'invalid_client', user: ADA });
    failed(await stage.refresh());
    await stage.server.settled();
    granted(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
    expect(stage.appStateStore.writes).not.toContain('good REJECTED invalid_client/AADSTS7000215');
  });

  test('one tenant does not block the directory of another tenant with other failures', async () => {
    const app = acme({ sharedWith: ['*'] });
    stage.sandbox.injectFault({ kind: 'error', code: 70011, error: 'invalid_scope' });
    failed(await stage.refresh({ app, requester: of('theirs'), tenantUid: 'other' }));
    stage.sandbox.injectFault({ kind: 'error', code: 700016, error: 'unauthorized_client' });
    failed(await stage.refresh({ app, requester: of('ada') }));
    await stage.server.settled();
    granted(await stage.refresh({ app, requester: of('theirs too'), tenantUid: 'other' }));
  });

  test('authorization codes that fail repeatedly do not prolong a cooldown', async () => {
    stage.sandbox.injectFault({ kind: 'error', code: 7000215, error: 'invalid_client', count: 3 });
    const redeem = async () => {
      const requester = { connectionUid: undefined, weight: 'CREDENTIAL' } as const;
      const request = { app: acme(), directoryId: CONTOSO, priority: 'FOREGROUND', requester } as const;
      const admission = await stage.server.admit(request);
      const secret = new Secret('x'.repeat(43));
      const redirectUri = 'http://127.0.0.1/callback';
      const scopes = [`${GRAPH}/Mail.Read`];
      const code = { code: secret, codeVerifier: secret, nonce: secret, redirectUri, resource: GRAPH, scopes };
      failed(await admission.redeemCode(code).finally(() => admission.release()));
    };
    await redeem();
    stage.sandbox.clock.advance(5 * MINUTE);
    await redeem();
    stage.sandbox.clock.advance(5 * MINUTE);
    await redeem();
    granted(await stage.refresh());
  });

  test('imports that fail do not use up the trials of a directory', async () => {
    stage.sandbox.injectFault({ kind: 'error', code: 700016, error: 'unauthorized_client', user: ADA });
    failed(await stage.refresh({ requester: of('ada') }));
    stage.sandbox.clearFaults();
    stage.sandbox.injectFault({ kind: 'error', code: 50173, user: ALAN, count: 1_000 });

    for (let minute = 5; minute < 8; minute++) {
      stage.sandbox.clock.advance(minute === 5 ? 5 * MINUTE : MINUTE);
      const requester = { connectionUid: undefined, weight: 'REQUEST' } as const;
      await stage.refresh({ user: ALAN, directoryId: CONTOSO, requester }).catch(() => {});
    }

    granted(await stage.refresh({ requester: of('grace') }));
  });
});
