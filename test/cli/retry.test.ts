import { expect, test } from 'vitest';
import { createRetry, Interrupted, RetriesExhausted } from '../../src/cli/import/retry_vault_calls.ts';
import { RpcError } from '../../src/rpc/grpc_client.ts';

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

/** Time passes only in sleep. */
function retryWith(patience = 60_000) {
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
  return { retry, interruption, pauses };
}

/** Fails with each error in turn; then repeats the last one, or answers the number of calls. */
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
  expect(await retryWith().retry(calls([error, error]))).toBe(3);
});

test('waits for Retry-After, or longer each time without it', async () => {
  const { retry, pauses } = retryWith();
  const delayed = failing('UNAVAILABLE', { reason: 'ENTRA_UNAVAILABLE', retryAfter: 7_000 });

  await retry(calls([delayed, failing('UNAVAILABLE'), failing('UNAVAILABLE')]));

  expect(pauses).toEqual([7_000, 400, 800]);
});

test.each([
  ['a refusal', failing('FAILED_PRECONDITION', { reason: 'REFRESH_TOKEN_REJECTED' })],
  ['an error of the vault, which has a request id', failing('INTERNAL', { reason: 'INTERNAL', request: 'r1' })],
])('does not repeat %s', async (_, error) => {
  const { retry, pauses } = retryWith();

  await expect(retry(calls([error]))).rejects.toBe(error);
  expect(pauses).toEqual([]);
});

test('gives up when no call was answered for as long as patience', async () => {
  const { retry, pauses } = retryWith(10_000);

  await expect(retry(calls([failing('UNAVAILABLE')], false))).rejects.toThrow(RetriesExhausted);
  expect(pauses.reduce((sum, pause) => sum + pause)).toBeLessThanOrEqual(10_000);
});

test('a vault that hangs uses up patience like one that does not answer', async () => {
  let [time, asked] = [0, 0];
  const retry = createRetry({
    patience: 100_000,
    signal: new AbortController().signal,
    now: () => time,
    async sleep(duration) {
      time += duration;
    },
    random: () => 0,
  });

  const hanging = retry(async () => {
    time += 30_000;
    asked += 1;
    throw failing('DEADLINE_EXCEEDED');
  });

  await expect(hanging).rejects.toThrow(RetriesExhausted);
  expect(asked).toBe(5);
});

test('only this call fails, with its reason, if other calls are answered', async () => {
  const { retry } = retryWith(10_000);
  const error = failing('UNAVAILABLE', { reason: 'ENTRA_UNAVAILABLE' });
  const stuck = calls([error], false);
  const others = async () => {
    await retry(calls([]));
    return stuck();
  };

  await expect(retry(others)).rejects.toBe(error);
});

test('follows the pace of a throttling Entra, however long it lasts', async () => {
  const { retry, pauses } = retryWith(10_000);
  const throttled = failing('UNAVAILABLE', { reason: 'ENTRA_THROTTLED', retryAfter: 3_600_000 });

  expect(await retry(calls([throttled, throttled, throttled]))).toBe(4);
  expect(pauses).toEqual([3_600_000, 3_600_000, 3_600_000]);
});

test('an interruption ends the pause, and no call follows', async () => {
  const { retry, interruption } = retryWith();
  const waiting = retry(calls([failing('UNAVAILABLE')], false));

  interruption.abort();

  await expect(waiting).rejects.toThrow(Interrupted);
  await expect(retry(calls([]))).rejects.toThrow(Interrupted);
});
