import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkReturnUrl, withParameters } from '../../src/connect/check_return_url.ts';
import { isVaultError } from '../../src/model/errors.ts';

const PREFIXES = ['https://good.example/app', 'http://127.0.0.1:3000/'];

function refuses(url: string, prefixes: readonly string[] = PREFIXES): boolean {
  try {
    checkReturnUrl(url, prefixes);
    return false;
  } catch (error) {
    return isVaultError(error, 'FIELD_INVALID') && error.metadata['field'] === 'return_url';
  }
}

describe('a return URL under a registered prefix', () => {
  test.each([
    'https://good.example/app',
    'https://good.example/app/',
    'https://good.example/app/done?user=7',
    'https://GOOD.example/app?x=1',
    'https://good.example:443/app/done',
    'http://127.0.0.1:3000/anything',
    'https://good.example/other/../app/done',
    'https://good.example/app?next=https://user@other.example/',
  ])('is accepted: %s', (url) => {
    expect(refuses(url)).toBe(false);
  });
});

describe('a URL that only resembles it', () => {
  test.each([
    'https://good.example@evil.example/app',
    'https://good.example:x@evil.example/app',
    'https://@good.example/app',
    'https://user@good.example/app',
    'https://user:password@good.example/app',
    'HTTP://@127.0.0.1:3000/',
    'https://good.example.evil.example/app',
    'https://good.exampleevil/app',
    'https://evil.example/https://good.example/app',
    'https://evil.example/?https://good.example/app',
    'https://evil.example#https://good.example/app',
    'https://good.example\\@evil.example/app',
    'https://good.example\\.evil.example/app',
    'https:\\\\good.example\\app',
    'https:/good.example/app',
    'https:good.example/app',
    'https:///good.example/app',
    '//good.example/app',
    '/app',
    'good.example/app',
    'http://good.example/app',
    'https://good.example:8443/app',
    'https://good.example/apple',
    'https://good.example/app.evil',
    'https://good.example/app/../admin',
    'https://good.example/app/%2e%2e/admin',
    'https://good.example/app/.%2E/admin',
    'https://good.example/app/..%2fadmin',
    'https://good.example/app/..%5cadmin',
    'https://good.example/app%2f..%2fadmin',
    'https://good.example%2fapp',
    'https://good.example/app#fragment',
    'https://good.example/app done',
    ' https://good.example/app',
    'https://good.example/app\r\nSet-Cookie: a=b',
    'https://go\tod.example/app',
    'https://good.example/app\u0000',
    'https://good.exämple/app',
    'javascript:alert(1)//https://good.example/app',
    'data:text/html,https://good.example/app',
    '',
  ])('is rejected: %j', (url) => {
    expect(refuses(url)).toBe(true);
  });

  test('is rejected if it is too long', () => {
    const url = 'https://good.example/app?'.padEnd(2_048, 'x');
    expect(refuses(url)).toBe(false);
    expect(refuses(`${url}x`)).toBe(true);
  });

  test('is rejected if its scheme is not that of the web, even if the prefix has the same', () => {
    const script = 'javascript:alert(1)//https://good.example/app';
    expect(refuses(script, [script])).toBe(true);
  });

  test('is rejected if the app has no prefix', () => {
    expect(refuses('https://good.example/app', [])).toBe(true);
  });

  test('is rejected if the prefix is not a URL', () => {
    expect(refuses('https://good.example/app', ['', 'https://', '*', 'good.example', 'https://good.example?x='])).toBe(
      true,
    );
  });
});

test('every accepted URL is on the registered origin, under the registered path', () => {
  const piece = fc.constantFrom(
    'https://',
    'http://',
    '//',
    'good.example',
    'evil.example',
    '/app',
    '/',
    '\\',
    '@',
    '.',
    '..',
    '%2f',
    '%2e',
    ':',
    '443',
    '#',
    '?',
    '\t',
    '\n',
    'x',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const url = pieces.join('');
      let taken: URL;
      try {
        taken = new URL(checkReturnUrl(url, ['https://good.example/app']));
      } catch {
        return;
      }
      expect(taken.origin).toBe('https://good.example');
      expect(taken.username + taken.password).toBe('');
      expect(taken.pathname === '/app' || taken.pathname.startsWith('/app/')).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

test('parameters replace those of the same name, and are encoded', () => {
  expect(
    withParameters('https://good.example/app?keep=1&outcome=granted', {
      outcome: 'declined',
      connection: 'a b&c=d\r\n',
    }),
  ).toBe('https://good.example/app?keep=1&outcome=declined&connection=a+b%26c%3Dd%0D%0A');
});
