import { expect, test } from 'vitest';
import { createRetry, Interrupted, RetriesExhausted } from '../../src/cli/import/retry.ts';
import { RpcError } from '../../src/rpc/client.ts';

function failing(code: string, facts: { reason?: string; retryAfter?: number; request?: string } = {}): RpcError {
  const metadata = facts.request === undefined ? {} : { request: facts.request };
  return new RpcError(code, {
    code,
    reason: facts.reason ?? code,
    metadata,
    retryAfter: facts.retryAfter,
    cause: undefined,
  });
}

/** Time passes in sleep alone. */
function persistenceWith(patience = 60_000) {
  const interruption = new AbortController();
  const pauses: number[] = [];
  let time = 0;
  const retry = createRetry({
    patience,
    signal: interruption.signal,
    now: () => time,
    async sleep(duration, signal) {
      await Promise.resolve();
      if (signal.aborted) throw signal.reason;
      pauses.push(duration);
      time += duration;
    },
    random: () => 0,
  });
  return { ...retry, interruption, pauses };
}

/** Fails with each in turn, the last for ever, or answers `done` after them. */
function calls(failures: readonly RpcError[], thenAnswers = true) {
  let asked = 0;
  return async () => {
    const failure = failures[asked] ?? (thenAnswers ? undefined : failures.at(-1));
    asked += 1;
    if (failure !== undefined) throw failure;
    return asked;
  };
}

test.each([
  ['the vault is overloaded', failing('RESOURCE_EXHAUSTED', { reason: 'OVERLOADED' })],
  ['nothing listens', failing('UNAVAILABLE')],
  ['the vault was killed in the middle of a call', failing('INTERNAL')],
  ['the answer took too long', failing('DEADLINE_EXCEEDED')],
])('calls again when %s', async (_, error) => {
  expect(await persistenceWith().until(calls([error, error]))).toBe(3);
});

test('waits as long as it is told, and longer each time where nothing is told', async () => {
  const { until, pauses } = persistenceWith();
  const told = failing('UNAVAILABLE', { reason: 'ENTRA_UNAVAILABLE', retryAfter: 7_000 });

  await until(calls([told, failing('UNAVAILABLE'), failing('UNAVAILABLE')]));

  expect(pauses).toEqual([7_000, 400, 800]);
});

test.each([
  ['a refusal', failing('FAILED_PRECONDITION', { reason: 'REFRESH_TOKEN_REJECTED' })],
  ['a fault of the vault, which has a request id', failing('INTERNAL', { reason: 'INTERNAL', request: 'r1' })],
])('does not repeat %s', async (_, error) => {
  const { until, pauses } = persistenceWith();

  await expect(until(calls([error]))).rejects.toBe(error);
  expect(pauses).toEqual([]);
});

test('gives the vault up when nobody was answered for as long as patience lasts', async () => {
  const { until, pauses } = persistenceWith(10_000);

  await expect(until(calls([failing('UNAVAILABLE')], false))).rejects.toThrow(RetriesExhausted);
  expect(pauses.reduce((sum, pause) => sum + pause)).toBeLessThanOrEqual(10_000);
});

test('a vault that hangs costs as much patience as one that does not answer', async () => {
  let [time, asked] = [0, 0];
  const { until } = createRetry({
    patience: 100_000,
    signal: new AbortController().signal,
    now: () => time,
    async sleep(duration) {
      time += duration;
    },
    random: () => 0,
  });

  const hanging = until(async () => {
    time += 30_000;
    asked += 1;
    throw failing('DEADLINE_EXCEEDED');
  });

  await expect(hanging).rejects.toThrow(RetriesExhausted);
  expect(asked).toBe(5);
});

test('gives up this one call alone, with its reason, when others are answered meanwhile', async () => {
  const { until } = persistenceWith(10_000);
  const error = failing('UNAVAILABLE', { reason: 'ENTRA_UNAVAILABLE' });
  const stuck = calls([error], false);
  const others = async () => {
    await until(calls([]));
    return stuck();
  };

  await expect(until(others)).rejects.toBe(error);
});

test('goes at the pace of an Entra that throttles, however long that takes', async () => {
  const { until, pauses } = persistenceWith(10_000);
  const throttled = failing('UNAVAILABLE', { reason: 'ENTRA_THROTTLED', retryAfter: 3_600_000 });

  expect(await until(calls([throttled, throttled, throttled]))).toBe(4);
  expect(pauses).toEqual([3_600_000, 3_600_000, 3_600_000]);
});

test('an interruption ends the waiting, and nothing more is called', async () => {
  const { until, interruption } = persistenceWith();
  const waiting = until(calls([failing('UNAVAILABLE')], false));

  interruption.abort();

  await expect(waiting).rejects.toThrow(Interrupted);
  await expect(until(calls([]))).rejects.toThrow(Interrupted);
});
