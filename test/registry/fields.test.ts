import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkText } from '../../src/model/check_text_fields.ts';
import { isVaultError } from '../../src/model/errors.ts';
import {
  checkAudience,
  checkBaseUrl,
  checkId,
  checkImplicitPermissions,
  checkRedirectUris,
  checkReturnUrlPrefixes,
} from '../../src/registry/check_operator_fields.ts';
import { checkStrategy, presetRedirectUris } from '../../src/registry/preset_redirect_uris.ts';
import { findPreset } from '../../src/registry/registration_presets_of_products.ts';
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
  test('a check throws FIELD_INVALID, or returns a value that passes again unchanged', () => {
    const checks = [
      (value: string) => checkId('x', value),
      (value: string) => checkText('x', value),
      (value: string) => checkAudience('x', value),
      (value: string) => checkRedirectUris('x', [value])[0] ?? '',
      (value: string) => checkReturnUrlPrefixes('x', [value])[0] ?? '',
      (value: string) => checkBaseUrl('x', value),
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

  test('a URL that begins with a return prefix has its origin', () => {
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

  test('URIs derived from a base URL stay below it', () => {
    const path = fc.string({ unit: fc.constantFrom(...'ab./%2fe\\\\?#;@:*') });
    const address = fc.tuple(fc.webUrl(), path).map(([url, more]) => url + more);
    const strategy = fc.string({ unit: fc.constantFrom(...'aZ09._~-/%\\\\? ') });
    const preset = findPreset('botpress-v12');
    fc.assert(
      fc.property(address, strategy, (url, name) => {
        const base = accepted(() => checkBaseUrl('x', url));
        const checked = accepted(() => checkStrategy(name, preset, []));
        if (base === undefined) return;
        expect(accepted(() => checkReturnUrlPrefixes('x', [`${base}/`]))).toEqual([`${base}/`]);
        const made = accepted(() =>
          presetRedirectUris(preset, { callback: 'https://v.example/', base, strategy: checked }),
        );
        if (checked === undefined || made === undefined) return;
        expect(new URL(made[1] ?? '').href).toBe(`${base}/api/v1/auth/login-callback/oauth2/${checked}`);
        expect(checkRedirectUris('x', made)).toEqual(made);
      }),
      { numRuns: 1_000 },
    );
  });

  test('redirect URIs are stored unchanged', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
        const [checked = url] = accepted(() => checkRedirectUris('x', [url])) ?? [];
        expect(checked).toBe(url);
      }),
    );
  });
});

describe('an update mask', () => {
  const mutable = ['aOne', 'bTwo'] as const;
  const fields = { aOne: '', bTwo: ['x'] };

  test.each([
    [undefined, ['bTwo']],
    [[], ['bTwo']],
    [['a_one'], ['aOne']],
    [
      ['a_one', 'b_two', 'a_one'],
      ['aOne', 'bTwo'],
    ],
    [['*'], ['aOne', 'bTwo']],
  ])('%j names %j', (mask, expected) => {
    expect([...masked(mask, fields, mutable, ['name'])]).toEqual(expected);
  });

  test('with an unknown path is rejected', () => {
    const path = fc.oneof(fc.string(), fc.constantFrom('name', '*', 'toString', '__proto__', 'aOne'));
    fc.assert(
      fc.property(path, (unknown) => {
        fc.pre(!['a_one', 'b_two'].includes(unknown));
        expect(accepted(() => masked(['a_one', unknown], fields, mutable, ['name']))).toBeUndefined();
      }),
    );
  });
});
