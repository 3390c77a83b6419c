import { createSecretKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { chainOf, GENESIS } from '../../src/audit/hash_chain.ts';

const stream = { key: createSecretKey(Buffer.alloc(32, 1)), streamId: '11111111-1111-4111-8111-111111111111' };
const first = chainOf(stream, GENESIS.chain, '{"n":1}\n');

test('equal groups have other hashes after other groups', () => {
  const other = chainOf(stream, GENESIS.chain, '{"n":2}\n');
  expect(chainOf(stream, first, '{"n":3}\n')).not.toBe(chainOf(stream, other, '{"n":3}\n'));
  expect(chainOf(stream, first, '{"n":1}\n')).not.toBe(first);
});

test('equal groups have other hashes in another stream, and under another key', () => {
  const streamId = '22222222-2222-4222-8222-222222222222';
  expect(chainOf({ ...stream, streamId }, GENESIS.chain, '{"n":1}\n')).not.toBe(first);
  expect(chainOf({ ...stream, key: createSecretKey(Buffer.alloc(32, 2)) }, GENESIS.chain, '{"n":1}\n')).not.toBe(first);
});

test('other groups have other hashes', () => {
  expect(chainOf(stream, GENESIS.chain, '{"n":1} \n')).not.toBe(first);
  expect(chainOf(stream, GENESIS.chain, '{"n":1}\n')).toBe(first);
});
