import { expect, test } from 'vitest';
import type { Admission } from '../../src/entra/entra_client_interface.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newFailure } from '../../src/model/token_request_outcome.ts';
import { type Log, silentLog } from '../../src/telemetry/log_events.ts';
import { createAlerts } from '../../src/tokens/operator_token_alerts.ts';
import { silentTokenMetrics } from '../../src/tokens/token_metrics_interface.ts';
import { waitForAdmission } from '../../src/tokens/wait_for_entra_admission.ts';
import { waitFor } from '../../src/tokens/wait_until_caller_aborts.ts';

test('a caller gets the result of the work, or its error, and its signal is not listened to any more', async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const counted = new Proxy(signal, {
    get(target, name) {
      if (name === 'addEventListener') listeners++;
      if (name === 'removeEventListener') listeners--;
      const member = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });

  expect(await waitFor(Promise.resolve(1), counted, 'ada')).toBe(1);
  await expect(waitFor(Promise.reject(new Error('failed')), counted, 'ada')).rejects.toThrow('failed');
  await expect.poll(() => listeners).toBe(0);
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

/** With a clock that ends the wait for a slot at once if it `isLate`. */
async function admitted(admit: () => Promise<Admission>, isLate: boolean) {
  const { timeout } = AbortSignal;
  const waits: number[] = [];
  AbortSignal.timeout = (longest) => {
    waits.push(longest);
    return isLate ? AbortSignal.abort() : new AbortController().signal;
  };
  try {
    return await waitForAdmission({ admit }, request);
  } finally {
    AbortSignal.timeout = timeout;
    expect(waits).toEqual([15_000]);
  }
}

test('a slot that does not become free within 15 s means that the vault is overloaded', async () => {
  const aborted = new Error('aborted');
  const late = admitted(() => Promise.reject(aborted), true);
  await expect(late).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfter: 5_000, cause: aborted });
});

test.each([true, false])("what Entra's client refuses by itself is passed on (late: %j)", async (isLate) => {
  const refusal = new VaultError('ENTRA_THROTTLED', 'later');
  await expect(admitted(() => Promise.reject(refusal), isLate)).rejects.toBe(refusal);
});

test('an error of the program is passed on, and a slot is returned', async () => {
  const fault = new Error('a fault');
  await expect(admitted(() => Promise.reject(fault), false)).rejects.toBe(fault);
  const slot = {} as Admission;
  expect(await admitted(async () => slot, false)).toBe(slot);
});

test('an alert is counted and logged by uid, and a change of state by its resource if it has one', () => {
  const topics: string[] = [];
  const events: unknown[] = [];
  const log: Log = { ...silentLog, event: (...event) => void events.push(event) };
  const metrics = { ...silentTokenMetrics, alert: (topic: string) => void topics.push(topic) };
  const alerts = createAlerts({ metrics, log });
  const connection = { uid: 'c', appUid: 'a', grantState: 'BLOCKED', connectionId: 'a name' } as Connection;
  const facts = { entraError: 'e', correlationId: 'x' };
  const known = { connectionUid: 'c', reason: 'BLOCKED_BY_POLICY', ...facts };
  const failureOf = (subject: 'resource' | 'connection', of: Partial<typeof facts>) =>
    newFailure('blocked', subject, 'BLOCKED_BY_POLICY', of);

  alerts.raise('vault_fault', connection, failureOf('connection', {}));
  alerts.stateChanged(connection, failureOf('resource', facts), 'https://graph.microsoft.com');
  alerts.stateChanged(connection, failureOf('connection', facts), 'https://graph.microsoft.com');

  expect(topics).toEqual(['vault_fault']);
  const changed = { state: 'BLOCKED', ...known };
  expect(events).toEqual([
    ['warn', 'token_alert', { topic: 'vault_fault', appUid: 'a', ...known, entraError: '', correlationId: '' }],
    ['info', 'connection_state_changed', { resource: 'https://graph.microsoft.com', ...changed }],
    ['info', 'connection_state_changed', changed],
  ]);
});
