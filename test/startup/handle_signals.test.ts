import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { handleSignals } from '../../src/startup/handle_signals.ts';
import type { Log } from '../../src/telemetry/log_events.ts';

let logged: (readonly [string, object])[];
beforeEach(() => {
  logged = [];
});
const log: Log = { event: (_, name, fields) => void logged.push([name, fields]) };
const ignored = (signal: string) => ['signal_ignored', { signal }] as const;

/** As Node emits it. */
const send = (signal: NodeJS.Signals) => process.emit(signal, signal);

/** With handlers that end with the test. */
function handle() {
  const before = new Map(process.eventNames().map((name) => [name, process.listeners(name as 'SIGHUP')]));
  onTestFinished(() => {
    for (const name of process.eventNames() as NodeJS.Signals[])
      for (const listener of process.listeners(name))
        if (!before.get(name)?.includes(listener)) process.off(name, listener);
  });
  return handleSignals(log);
}

/** A vault whose reading of files ends when a test says so. */
function slowVault() {
  const calls: PromiseWithResolvers<void>[] = [];
  return {
    calls,
    rotateAuditLog: async () => true,
    readFilesAgain() {
      const call = Promise.withResolvers<void>();
      calls.push(call);
      return call.promise;
    },
  };
}

test('signals during a reading of files cause one more, however many they are', async () => {
  const vault = slowVault();
  handle().started(vault);
  for (let count = 0; count < 100; count += 1) send('SIGHUP');
  expect(vault.calls).toHaveLength(1);

  vault.calls[0]?.resolve();
  await nextTurn();
  expect(vault.calls).toHaveLength(2);
  vault.calls[1]?.resolve();
  await nextTurn();
  expect(vault.calls).toHaveLength(2);

  send('SIGHUP');
  expect(vault.calls).toHaveLength(3);
});

test('a reading or a rotation that fails is logged, and the next signal starts another one', async () => {
  const vault = slowVault();
  handle().started({ ...vault, rotateAuditLog: () => Promise.reject(new TypeError('canary')) });
  send('SIGHUP');
  vault.calls[0]?.reject(new TypeError('canary'));
  send('SIGUSR2');
  await nextTurn();
  send('SIGHUP');

  expect(vault.calls).toHaveLength(2);
  expect(logged.map(([name]) => name)).toEqual(['internal_error', 'internal_error']);
  expect(JSON.stringify(logged)).not.toContain('canary');
});

test('a signal before the end of the start, or during the stop, is ignored', () => {
  const vault = slowVault();
  const { started, stop } = handle();
  send('SIGHUP');
  started(vault);
  send('SIGTERM');
  send('SIGHUP');
  send('SIGUSR2');

  expect(stop.reason).toBe('SIGTERM');
  expect(vault.calls).toEqual([]);
  expect(logged).toEqual([ignored('SIGHUP'), ignored('SIGHUP'), ignored('SIGUSR2')]);
});

test('SIGPROF is left to a profiler of Node', () => {
  const own = process.listenerCount('SIGPROF');
  process.execArgv.push('--cpu-prof');
  onTestFinished(() => void process.execArgv.pop());
  handle();
  expect(process.listenerCount('SIGPROF')).toBe(own);
});
