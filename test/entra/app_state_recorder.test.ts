import { describe, expect, test } from 'vitest';
import { silentMetrics } from '../../src/entra/entra_metrics_interface.ts';
import { createAppStateRecorder } from '../../src/entra/health/app_state_recorder.ts';
import { createHealthProbes, type HealthProbe } from '../../src/entra/health/background_health_probes.ts';
import { SECOND } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { createRecordingAppStateStore } from './app_state_store.ts';
import { anApp, aSecret, createMovableClock, NOW } from './fixtures.ts';

const rejected = {
  reason: 'APP_CREDENTIAL_REJECTED',
  entraError: 'invalid_client/AADSTS7000215',
  correlationId: 'c',
} as const;
const APP = 'tenants/acme/apps/default';

function open(app: Partial<App> = {}, more: { isStale?: boolean; isCurrent?: () => boolean } = {}) {
  const appStateStore = createRecordingAppStateStore();
  const logged: string[] = [];
  const counted = { failures: 0 };
  const appStateWriteFailed = () => {
    counted.failures += 1;
  };
  const recorder = createAppStateRecorder({
    app: anApp(app),
    appStateStore,
    clock: createMovableClock(),
    metrics: { ...silentMetrics, appStateWriteFailed },
    log: { event: (level, name, fields) => void logged.push(`${level} ${name} ${JSON.stringify(fields)}`) },
    isStale: false,
    isCurrent: () => true,
    ...more,
  });
  return { recorder, appStateStore, logged, counted };
}

const failingIn = (...directories: string[]) =>
  directories.map((directoryId) => ({ directoryId, evidence: { ...rejected, time: NOW } }));

describe('the state of an app', () => {
  test('is stored and logged at each change, once', async () => {
    const { recorder, appStateStore, logged } = open();
    await recorder.clearApp();
    for (let i = 0; i < 2; i++) await recorder.markApp('CREDENTIAL_REJECTED', rejected);
    expect(recorder.state()).toBe('CREDENTIAL_REJECTED');
    for (let i = 0; i < 2; i++) await recorder.clearApp();
    expect(recorder.state()).toBe('OK');
    expect(appStateStore.writes).toEqual(['app CREDENTIAL_REJECTED APP_CREDENTIAL_REJECTED', 'app OK']);
    expect(logged).toEqual([
      `warn entra_app_blocked ${JSON.stringify({ app: APP, directory: '', ...rejected })}`,
      `info entra_app_unblocked ${JSON.stringify({ app: APP, directory: '' })}`,
    ]);
  });

  test('is stored with the evidence and its time', async () => {
    const { recorder, appStateStore } = open();
    const stored: unknown[] = [];
    appStateStore.recordAppState = async (...parts) => void stored.push(parts);
    appStateStore.recordFailingDirectory = async (...parts) => void stored.push(parts);
    await recorder.markApp('MISCONFIGURED', rejected);
    await recorder.markDirectory('contoso', rejected);
    const evidence = { ...rejected, time: NOW };
    expect(stored).toEqual([
      ['app-1', 'MISCONFIGURED', evidence],
      ['app-1', 'contoso', evidence],
    ]);
  });

  test('without details is logged with empty ones', async () => {
    const { recorder, logged } = open();
    await recorder.markApp('MISCONFIGURED', {
      reason: 'APP_MISCONFIGURED',
      entraError: undefined,
      correlationId: undefined,
    });
    expect(logged[0]).toContain('"entraError":"","correlationId":""');
  });

  test('that could not be stored is stored with the next change', async () => {
    const { recorder, appStateStore, counted } = open();
    const { recordAppState } = appStateStore;
    appStateStore.recordAppState = () => Promise.reject(new Error('disk full'));
    await recorder.markApp('MISCONFIGURED', rejected);
    expect([recorder.state(), counted.failures]).toEqual(['OK', 1]);
    appStateStore.recordAppState = recordAppState;
    await recorder.markApp('MISCONFIGURED', rejected);
    expect(appStateStore.writes).toEqual(['app MISCONFIGURED APP_CREDENTIAL_REJECTED']);
  });

  test('of an app that may be out of date is stored once, whatever it seems to be, and not logged', async () => {
    const { recorder, appStateStore, logged } = open({ state: 'OK' }, { isStale: true });
    expect(recorder.state()).toBeUndefined();
    for (let i = 0; i < 2; i++) await recorder.clearApp();
    expect([appStateStore.writes, logged]).toEqual([['app OK'], []]);
  });

  test('is not stored for an app that was forgotten', async () => {
    const { recorder, appStateStore } = open({ failingDirectories: failingIn('gone') }, { isCurrent: () => false });
    await recorder.markApp('MISCONFIGURED', rejected);
    await recorder.markDirectory('contoso', rejected);
    await recorder.clearDirectory('gone');
    expect(appStateStore.writes).toEqual([]);
  });
});

describe('a failing directory', () => {
  test('is stored and logged when it fails and when it works again, once', async () => {
    const { recorder, appStateStore, logged } = open();
    await recorder.clearDirectory('contoso');
    for (let i = 0; i < 2; i++) await recorder.markDirectory('contoso', rejected);
    for (let i = 0; i < 2; i++) await recorder.clearDirectory('contoso');
    expect(appStateStore.writes).toEqual(['directory contoso APP_CREDENTIAL_REJECTED', 'directory contoso OK']);
    expect(logged).toEqual([
      `warn entra_app_blocked ${JSON.stringify({ app: APP, directory: 'contoso', ...rejected })}`,
      `info entra_app_unblocked ${JSON.stringify({ app: APP, directory: 'contoso' })}`,
    ]);
  });

  test('is known from the row of the app', async () => {
    const { recorder, appStateStore } = open({ failingDirectories: failingIn('contoso') });
    expect([recorder.hasOtherFailingDirectory('contoso'), recorder.hasOtherFailingDirectory('other')]).toEqual([
      false,
      true,
    ]);
    await recorder.markDirectory('contoso', rejected);
    await recorder.clearDirectory('contoso');
    expect(appStateStore.writes).toEqual(['directory contoso OK']);
    expect(recorder.hasOtherFailingDirectory('other')).toBe(false);
  });

  test('that could not be stored is stored with the next change', async () => {
    const { recorder, appStateStore, counted } = open({}, { isStale: true });
    const { recordFailingDirectory } = appStateStore;
    const fail = () => Promise.reject(new Error('disk full'));
    appStateStore.recordFailingDirectory = fail;
    await recorder.markDirectory('contoso', rejected);
    appStateStore.recordFailingDirectory = recordFailingDirectory;
    await recorder.markDirectory('contoso', rejected);
    appStateStore.recordFailingDirectory = fail;
    await recorder.clearDirectory('contoso');
    await recorder.clearDirectory('unknown');
    appStateStore.recordFailingDirectory = recordFailingDirectory;
    await recorder.clearDirectory('contoso');
    await recorder.clearDirectory('unknown');
    expect(counted.failures).toBe(3);
    expect(appStateStore.writes).toEqual([
      'directory contoso APP_CREDENTIAL_REJECTED',
      'directory contoso OK',
      'directory unknown OK',
    ]);
  });

  test('of an app that may be out of date is cleared once, for at most a thousand', async () => {
    const { recorder, appStateStore, logged } = open({}, { isStale: true });
    for (let i = 0; i < 1_010; i++) await recorder.clearDirectory(`d${i}`);
    await recorder.clearDirectory('d0');
    expect([appStateStore.writes.length, logged]).toEqual([1_000, []]);
  });

  test('is one of at most a thousand', async () => {
    const { recorder, appStateStore } = open();
    for (let i = 0; i < 1_010; i++) await recorder.markDirectory(`d${i}`, rejected);
    expect(appStateStore.writes).toHaveLength(1_000);
  });
});

describe('a health probe', () => {
  function start(answer: () => Promise<unknown> = async () => ({ meaning: undefined, order: 1, newSince: NOW })) {
    const clock = createMovableClock();
    const sent: string[] = [];
    const probes = createHealthProbes(clock, (probe, usable) => {
      sent.push(`${probe.key} ${usable.credential.uid}`);
      return answer() as ReturnType<Parameters<typeof createHealthProbes>[1]>;
    });
    let settled = 0;
    const send = (key = 'app', changes: Partial<HealthProbe> = {}, fails = false) => {
      const credentials = {
        candidates: async (withTrials: boolean) => ({
          inOrder: withTrials ? [] : [aSecret('first'), aSecret('second')],
          onTrial: undefined,
        }),
      };
      const probe = { key, app: anApp(), credentials, directoryId: 'contoso', resource: undefined, ...changes };
      probes.send(probe, async () => {
        settled += 1;
        if (fails) throw new Error('by the test');
      });
      return probes.settled();
    };
    return { clock, sent, send, settled: () => settled };
  }

  test('is sent once a minute for each subject, with the first credential or the one named', async () => {
    const { clock, sent, send, settled } = start();
    await send();
    await send();
    await send('other', { usable: aSecret('named') });
    clock.advance(60 * SECOND - 1);
    await send();
    expect(sent).toEqual(['app first', 'other named']);
    clock.advance(1);
    await send();
    expect([sent.length, settled()]).toEqual([3, 3]);
  });

  test.each([
    ['no request could be sent', async () => undefined],
    ['the credential is unusable', async () => ({ unusable: 'x' })],
  ])('may be sent again at once if %s', async (_, answer) => {
    const { sent, send, settled } = start(answer);
    await send();
    await send();
    expect([sent.length, settled()]).toEqual([2, 0]);
  });

  test('is not sent without a credential', async () => {
    const { sent, send } = start();
    await send('app', { credentials: { candidates: async () => ({ inOrder: [], onTrial: undefined }) } });
    expect(sent).toEqual([]);
  });

  test('that fails, or whose result cannot be acted on, stops nothing', async () => {
    const broken = start(() => Promise.reject(new Error('by the test')));
    await broken.send();
    expect(broken.settled()).toBe(0);
    const { send, settled } = start();
    await send('app', {}, true);
    await send('other');
    expect(settled()).toBe(2);
  });
});
