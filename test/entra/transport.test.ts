import { afterEach, beforeEach, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { FaultInput } from '../../src/sandbox/faults/injected_faults.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { failed, granted } from './fixtures.ts';
import { ADA, ALAN, acme, acmeSecret, type Stage, startStage } from './with_sandbox.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startStage({ options: { requestTimeout: 1500, admissionControl: { retryTokens: 0 } } });
});
afterEach(() => stage.close());

test.each<[string, FaultInput, string]>([
  ['a hang', { kind: 'hang' }, 'network/timeout'],
  ['a drip', { kind: 'drip' }, 'http/200'],
  ['a cut connection', { kind: 'close' }, 'network/closed'],
  ['an answer lost on the way', { kind: 'close_after' }, 'network/closed'],
  ['an HTML page with 503', { kind: 'html' }, 'http/503'],
  ['an HTML page with 404', { kind: 'html', status: 404 }, 'http/404'],
  ['200 {}', { kind: 'empty' }, 'http/200'],
  ['broken JSON', { kind: 'broken_json' }, 'http/200'],
  ['100 MB', { kind: 'huge' }, 'http/200'],
  ['a redirect', { kind: 'redirect' }, 'http/307'],
])('%s is transient, and nothing is marked or stored', async (_, fault, entraError) => {
  stage.sandbox.injectFault(fault);

  expect(failed(await stage.refresh())).toMatchObject({ kind: 'transient', reason: 'ENTRA_UNAVAILABLE', entraError });

  expect(stage.appStateStore.writes).toEqual([]);
  expect(stage.sandbox.trapped()).toEqual([]);
  stage.sandbox.clearFaults();
  granted(await stage.refresh());
});

test('429 in plain text keeps its Retry-After, and stops that directory only', async () => {
  stage.sandbox.injectFault({ kind: 'throttle', retryAfter: 17 });

  expect(failed(await stage.refresh())).toMatchObject({
    kind: 'throttled',
    reason: 'ENTRA_THROTTLED',
    retryAfter: 17_000,
  });

  await expect(stage.refresh()).rejects.toMatchObject({ reason: 'ENTRA_THROTTLED' });
  granted(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  expect(stage.server.throttledUntil('app-1')).toBeGreaterThan(stage.sandbox.clock.now() + 10 * SECOND);
  stage.sandbox.clock.advance(17 * SECOND);
  granted(await stage.refresh());
});

test('a Retry-After date applies even if the vault’s clock was moved', async () => {
  stage.sandbox.clock.advance(30 * MINUTE);
  stage.sandbox.injectFault({ kind: 'throttle', retryAfter: 40, retryAfterDate: true });
  const { retryAfter } = failed(await stage.refresh());
  expect(retryAfter).toBeGreaterThan(37 * SECOND);
  expect(retryAfter).toBeLessThanOrEqual(41 * SECOND);
});

test('one user’s 429 does not stop another app', async () => {
  stage.sandbox.injectFault({ kind: 'throttle', user: ADA });
  failed(await stage.refresh());
  stage.appStateStore.credentials.push(acmeSecret(stage.sandbox, 'other'));
  granted(await stage.refresh({ app: acme({ uid: 'app-2' }) }));
});

test('a transient failure is retried once, within the exchange', async () => {
  await stage.close();
  stage = await startStage();
  stage.sandbox.injectFault({ kind: 'html', count: 1 });
  granted(await stage.refresh());
  expect(stage.exchanges).toEqual(['transient', 'granted']);

  stage.sandbox.injectFault({ kind: 'html', count: 2 });
  expect(failed(await stage.refresh()).kind).toBe('transient');
  expect(stage.exchanges).toHaveLength(4);
});

test.each([50173, 50196, 9002313, 65001, 53003, 70000])('AADSTS%i is not retried', async (code) => {
  await stage.close();
  stage = await startStage();
  stage.sandbox.injectFault({ kind: 'error', code, count: 5 });
  failed(await stage.refresh());
  expect(stage.exchanges).toHaveLength(1);
});

test('no retry is sent with too little time left', async () => {
  await stage.close();
  stage = await startStage();
  stage.sandbox.injectFault({ kind: 'html', count: 5 });
  failed(await stage.refresh({ timeout: 400 }));
  expect(stage.exchanges).toHaveLength(1);
});

test('the exchange keeps its timeout, however long one request may take', async () => {
  await stage.close();
  stage = await startStage();
  stage.sandbox.injectFault({ kind: 'hang', count: 5 });
  expect(failed(await stage.refresh({ timeout: 300 }))).toMatchObject({ entraError: 'network/timeout' });
});

test('with almost no time left, no request is sent and no credential is marked', async () => {
  expect(failed(await stage.refresh({ timeout: 100 }))).toMatchObject({
    kind: 'transient',
    reason: 'ENTRA_UNAVAILABLE',
  });
  expect(stage.exchanges).toEqual([]);
  expect(stage.appStateStore.writes).toEqual([]);
});

test('loops and faults of the vault are logged', async () => {
  for (const [code, error] of [
    [50196, 'invalid_grant'],
    [9002313, 'invalid_request'],
  ] as const) {
    stage.sandbox.injectFault({ kind: 'error', code, error });
    failed(await stage.refresh());
  }
  expect(stage.logged.map((line) => line.replace(/,"correlationId".*/, ''))).toEqual([
    'entra_protocol_error {"app":"tenants/acme/apps/default","kind":"loop_detected","entraError":"invalid_grant/AADSTS50196"',
    'entra_protocol_error {"app":"tenants/acme/apps/default","kind":"vault_fault","entraError":"invalid_request/AADSTS9002313"',
  ]);
});

test('an outage opens the circuit of that directory, and a response closes it', async () => {
  stage.sandbox.injectFault({ kind: 'html', count: 5 });
  for (let i = 0; i < 5; i++) failed(await stage.refresh());

  for (let i = 0; i < 20; i++) await expect(stage.refresh()).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE' });
  expect(stage.exchanges).toHaveLength(5);

  stage.sandbox.clock.advance(MINUTE);
  granted(await stage.refresh());
  granted(await stage.refresh());
});

test('an invalid grant of a user opens no circuit and blocks no app', async () => {
  stage.sandbox.injectFault({ kind: 'error', code: 50173, user: ADA, count: 50 });
  for (let i = 0; i < 50; i++) expect(failed(await stage.refresh()).kind).toBe('reauthorize');
  granted(await stage.refresh({ user: 'grace@contoso.example' }));
  expect(stage.appStateStore.writes).toEqual(['good VALID']);
});

test('a caller that cancels during the exchange loses nothing', async () => {
  const hold = stage.sandbox.holdNextToken();
  const abort = new AbortController();
  const admission = await stage.server.admit({
    app: acme(),
    directoryId: CONTOSO,
    priority: 'FOREGROUND',
    signal: abort.signal,
  });
  const refreshing = stage.refresh();
  await hold.arrived;
  abort.abort();
  hold.release();
  granted(await refreshing);
  admission.release();
});

test('a suspended app sends no request', async () => {
  await expect(stage.refresh({ app: acme({ suspended: true }) })).rejects.toMatchObject({ reason: 'APP_SUSPENDED' });
});
