import { expect, test } from 'vitest';
import { createTracing } from '../../src/telemetry/start_tracing.ts';

test.each([
  ['does not answer', () => new Promise<void>(() => {})],
  ['fails', () => Promise.reject(new Error('refused'))],
])('a receiver that %s does not keep the vault from stopping', async (_what, shutdown) => {
  const processor = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown };
  await expect(createTracing({ ratio: 1, version: '1', processor }).close()).resolves.toBeUndefined();
});
