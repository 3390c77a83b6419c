import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isVaultError } from '../../src/model/errors.ts';
import { checkText } from '../../src/model/labelling.ts';
import {
  checkAudience,
  checkId,
  checkImplicitPermissions,
  checkRedirectUris,
  checkReturnUrlPrefixes,
} from '../../src/registry/fields.ts';
import { masked } from '../../src/registry/update_mask.ts';
import { openScopes } from '../scopes/open_scopes.ts';

const scopes = await openScopes();

function accepted<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (isVaultError(error, 'FIELD_INVALID')) return undefined;
    throw error;
  }
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
);

describe('for any text', () => {
  test('a check answers FIELD_INVALID or a value that passes again unchanged', () => {
    const checks = [
      (value: string) => checkId('x', value),
      (value: string) => checkText('x', value),
      (value: string) => checkAudience('x', value),
      (value: string) => checkRedirectUris('x', [value])[0] ?? '',
      (value: string) => checkReturnUrlPrefixes('x', [value])[0] ?? '',
      (value: string) => checkImplicitPermissions('x', [value], scopes)[0] ?? '',
    ];
    fc.assert(
      fc.property(text, fc.constantFrom(...checks), (value, check) => {
        const once = accepted(() => check(value));
        if (once !== undefined) expect(check(once)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });

  test('what begins with a return prefix, whatever follows, is of its origin', () => {
    const prefix = fc.webUrl().filter((url) => url.startsWith('https:'));
    fc.assert(
      fc.property(prefix, fc.string({ unit: fc.constantFrom(...'.@:evil/\\?#') }), (url, more) => {
        const [checked] = accepted(() => checkReturnUrlPrefixes('x', [url])) ?? [];
        if (checked === undefined || !URL.canParse(checked + more)) return;
        expect(new URL(checked + more).origin).toBe(new URL(url).origin);
      }),
      { numRuns: 500 },
    );
  });

  test('redirect URIs are kept letter for letter', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
        const [checked = url] = accepted(() => checkRedirectUris('x', [url])) ?? [];
        expect(checked).toBe(url);
      }),
    );
  });
});

describe('an update mask', () => {
  const paths = { a_one: 'one', b_two: 'two' } as const;
  const fields = { one: '', two: ['x'] };

  test.each([
    [undefined, ['two']],
    [[], ['two']],
    [['a_one'], ['one']],
    [
      ['a_one', 'b_two', 'a_one'],
      ['one', 'two'],
    ],
    [['*'], ['one', 'two']],
  ])('%j names %j', (mask, expected) => {
    expect([...masked(mask, fields, paths, ['name'])]).toEqual(expected);
  });

  test('takes nothing that it does not know', () => {
    const path = fc.oneof(fc.string(), fc.constantFrom('name', '*', 'toString', '__proto__', 'one'));
    fc.assert(
      fc.property(path, (unknown) => {
        fc.pre(!Object.keys(paths).includes(unknown));
        expect(accepted(() => masked(['a_one', unknown], fields, paths, ['name']))).toBeUndefined();
      }),
    );
  });
});
