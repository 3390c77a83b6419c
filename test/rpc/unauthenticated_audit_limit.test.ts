import { expect, test } from 'vitest';
import { createAuditLimit } from '../../src/rpc/pipeline/unauthenticated_audit_limit.ts';

test('a flood of strangers is written twenty times a second, and the next second again', () => {
  let now = 5_000;
  const strangers = createAuditLimit({ now: () => now });
  const written = () => Array.from({ length: 1_000 }, () => strangers.isWritten()).filter((is) => is).length;
  expect(written()).toBe(20);
  now += 1_000;
  expect(written()).toBe(20);
});
