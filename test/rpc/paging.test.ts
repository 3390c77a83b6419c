import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isVaultError } from '../../src/model/errors.ts';
import { nextPageToken, pageRequest } from '../../src/rpc/messages/page_token.ts';

const key = ['ListConnections', 'tenants/acme', 2];

describe('a page', () => {
  test.each([
    [0, 50],
    [1, 1],
    [1_000, 1_000],
    [5_000, 1_000],
  ])('of size %i has at most %i items', (pageSize, size) => {
    expect(pageRequest({ pageSize, pageToken: '' }, key)).toEqual({ size, after: undefined });
  });

  test('of negative size is rejected', () => {
    expect(() => pageRequest({ pageSize: -1, pageToken: '' }, key)).toThrow(
      expect.objectContaining({ reason: 'FIELD_INVALID', metadata: { field: 'page_size' } }),
    );
  });
});

describe('a page token', () => {
  test('continues after the previous page', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (last) => {
        const pageToken = nextPageToken(last, key);
        expect(pageRequest({ pageSize: 10, pageToken }, key).after).toBe(last);
      }),
    );
  });

  test('is empty at the end', () => {
    expect(nextPageToken(undefined, key)).toBe('');
  });

  test('of another list is rejected', () => {
    const pageToken = nextPageToken('ada', key);
    for (const other of [
      ['ListConnections', 'tenants/beta', 2],
      ['ListConnections', 'tenants/acme', 3],
      ['ListApps', 'tenants/acme', 2],
    ])
      expect(() => pageRequest({ pageSize: 10, pageToken }, other)).toThrow(
        expect.objectContaining({ metadata: { field: 'page_token' } }),
      );
  });

  test('that was modified is rejected', () => {
    const token = nextPageToken('acme/ada', key);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'abcXYZ019-_='), (at, letter) => {
        const pageToken = token.slice(0, at) + letter + token.slice(at + 1);
        fc.pre(pageToken !== token);
        expect(() => pageRequest({ pageSize: 10, pageToken }, key)).toThrow(
          expect.objectContaining({ reason: 'FIELD_INVALID' }),
        );
      }),
    );
  });

  test('of any text causes no crash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (pageToken) => {
        try {
          pageRequest({ pageSize: 10, pageToken }, key);
          expect.unreachable();
        } catch (error) {
          expect(isVaultError(error, 'FIELD_INVALID')).toBe(true);
        }
      }),
    );
  });
});
