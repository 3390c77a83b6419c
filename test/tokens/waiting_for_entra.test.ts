import { afterEach, expect, test, vi } from 'vitest';
import type { Admission, AdmissionRequest } from '../../src/entra/entra_client_interface.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newFailure } from '../../src/model/token_request_outcome.ts';
import { type Log, silentLog } from '../../src/telemetry/log_events.ts';
import { createAlerts } from '../../src/tokens/operator_token_alerts.ts';
import { silentTokenMetrics } from '../../src/tokens/token_metrics_interface.ts';
import { waitForAdmission } from '../../src/tokens/wait_for_entra_admission.ts';
import { waitFor } from '../../src/tokens/wait_until_caller_aborts.ts';

afterEach(() => vi.useRealTimers());

test('a caller gets the result of the work, or its error, and its signal is not listened to any more', async () => {
  const { signal } = new AbortController();
  const listening: string[] = [];
  const counted = Object.assign(signal, {
    addEventListener: (event: string) => void listening.push(event),
    removeEventListener: (event: string) =>
      void listening.splice(listening.indexOf(event), Number(listening.includes(event))),
  });

  expect(await waitFor(Promise.resolve(1), counted, 'ada')).toBe(1);
  await expect(waitFor(Promise.reject(new Error('failed')), counted, 'ada')).rejects.toThrow('failed');
  await expect.poll(() => listening).toEqual([]);
});

test.each(['before it waits', 'while it waits'])('a caller that gives up %s is free to retry', async (when) => {
  const leaving = new AbortController();
  if (when === 'before it waits') leaving.abort('gone');

  const wait = waitFor(new Promise(() => {}), leaving.signal, 'tenants/acme/connections/ada');
  leaving.abort('gone');

  await expect(wait).rejects.toMatchObject({
    reason: 'ENTRA_UNAVAILABLE',
    metadata: { resource: 'tenants/acme/connections/ada' },
    retryAfter: 1_000,
    cause: 'gone',
  });
});

const request = { app: {} as App, directoryId: undefined, priority: 'FOREGROUND', requester: undefined } as const;

const ABORTED = new Error('aborted');
const never = ({ signal }: Pick<AdmissionRequest, 'signal'>) =>
  new Promise<Admission>((_, reject) => signal?.addEventListener('abort', () => reject(ABORTED)));

test('a slot that does not become free within 15 s means that the vault is overloaded', async () => {
  vi.useFakeTimers();
  let isOver = false;
  const late = waitForAdmission({ admit: never }, request).finally(() => {
    isOver = true;
  });
  const refused = expect(late).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfter: 5_000, cause: ABORTED });

  await vi.advanceTimersByTimeAsync(14_999);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await refused;
});

test("what Entra's client refuses by itself is passed on, also after 15 s", async () => {
  vi.useFakeTimers();
  const refusal = new VaultError('ENTRA_THROTTLED', 'later');
  await expect(waitForAdmission({ admit: () => Promise.reject(refusal) }, request)).rejects.toBe(refusal);

  const admit = (asked: Pick<AdmissionRequest, 'signal'>) => never(asked).catch(() => Promise.reject(refusal));
  const late = expect(waitForAdmission({ admit }, request)).rejects.toBe(refusal);
  await vi.advanceTimersByTimeAsync(15_000);
  await late;
});

test('an error of the program is passed on, a slot is returned, and no timer is left', async () => {
  vi.useFakeTimers();
  const fault = new Error('a fault');
  await expect(waitForAdmission({ admit: () => Promise.reject(fault) }, request)).rejects.toBe(fault);
  const slot = {} as Admission;
  expect(await waitForAdmission({ admit: async () => slot }, request)).toBe(slot);
  expect(vi.getTimerCount()).toBe(0);
});

test('an alert is counted and logged by uid, and a change of state by its resource if it has one', () => {
  const topics: string[] = [];
  const events: unknown[] = [];
  const log: Log = { ...silentLog, event: (...event) => void events.push(event) };
  const metrics = { ...silentTokenMetrics, alert: (topic: string) => void topics.push(topic) };
  const alerts = createAlerts({ metrics, log });
  const names = { tenantId: 'acme', appTenantId: 'vendor', appId: 'mail', connectionId: 'canary-name' };
  const account = { username: 'canary@contoso.example', displayName: 'Canary', email: 'canary@contoso.example' };
  const connection = { uid: 'c', appUid: 'a', grantState: 'BLOCKED', externalId: 'canary-id', ...names } as Connection;
  Object.assign(connection, { account, labels: { owner: 'canary' } });
  const facts = { entraError: 'e', correlationId: 'x' };
  const app = { tenant: 'tenants/acme', app: 'tenants/vendor/apps/mail', appUid: 'a' };
  const known = { ...app, connectionUid: 'c', reason: 'BLOCKED_BY_POLICY', ...facts };
  const failureOf = (subject: 'resource' | 'connection', of: Partial<typeof facts>) =>
    newFailure('blocked', subject, 'BLOCKED_BY_POLICY', of);

  alerts.raise('vault_fault', connection, failureOf('connection', {}));
  alerts.stateChanged(connection, failureOf('resource', facts), 'https://graph.microsoft.com');
  alerts.stateChanged(connection, failureOf('connection', facts), 'https://graph.microsoft.com');

  expect(topics).toEqual(['vault_fault']);
  const changed = { state: 'BLOCKED', ...known };
  expect(events).toEqual([
    ['warn', 'token_alert', { topic: 'vault_fault', ...known, entraError: '', correlationId: '' }],
    ['info', 'connection_state_changed', { resource: 'https://graph.microsoft.com', ...changed }],
    ['info', 'connection_state_changed', changed],
  ]);
  expect(JSON.stringify(events)).not.toMatch(/canary/i);
});
