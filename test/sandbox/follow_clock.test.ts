import { expect, test } from 'vitest';
import { followClock } from '../../src/sandbox/follow_sandbox_clock.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';

test('a follower has the new time when the request that moves the clock returns', async () => {
  const sandbox = await startSandbox();
  const clock = await followClock(sandbox.url);
  try {
    for (let hour = 1; hour <= 5; hour += 1) {
      await fetch(`${sandbox.url}/sandbox/clock`, { method: 'POST', body: '{"advance_ms":3600000}' });
      expect(clock.now() - Date.now()).toBeGreaterThan(hour * 3_599_000);
    }
  } finally {
    clock.close();
    await sandbox.close();
  }
});

test('a missing sandbox is reported at once', async () => {
  await expect(followClock('http://127.0.0.1:1')).rejects.toThrow();
});
