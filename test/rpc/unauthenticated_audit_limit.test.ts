import { expect, test } from 'vitest';
import { createUnauthenticatedAuditLimit } from '../../src/rpc/pipeline/unauthenticated_audit_limit.ts';

test('audits at most twenty unauthenticated calls per second', () => {
  let now = 5_000;
  const isAudited = createUnauthenticatedAuditLimit({ now: () => now });
  const audited = () => Array.from({ length: 1_000 }, isAudited).filter((is) => is).length;
  expect(audited()).toBe(20);
  now += 1_000;
  expect(audited()).toBe(20);
});
