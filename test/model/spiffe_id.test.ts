import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDnsName } from '../../src/model/dns_name.ts';
import { parseSpiffeId } from '../../src/model/spiffe_id.ts';

test('a SPIFFE id of a workload has a trust domain in lower case and a path', () => {
  expect(parseSpiffeId('spiffe://acme.example/ns/mail/sa/Sync_1.0')).toEqual({ trustDomain: 'acme.example' });
  expect(parseSpiffeId('spiffe://acme_1-2.example/...')).toEqual({ trustDomain: 'acme_1-2.example' });
});

test.each([
  'spiffe://Acme.example/a',
  'SPIFFE://acme.example/a',
  'https://acme.example/a',
  'spiffe:///a',
  'spiffe://acme.example',
  'spiffe://acme.example/',
  'spiffe://acme.example/a/',
  'spiffe://acme.example//a',
  'spiffe://acme.example/a/../b',
  'spiffe://acme.example/./a',
  'spiffe://acme.example/%61',
  'spiffe://acme.example:443/a',
  'spiffe://user@acme.example/a',
  'spiffe://acme.example/a?b',
  'spiffe://acme.example/a#b',
  'spiffe://acme.example/a\n',
  'spiffe://acme.example/a\0',
  'spiffe://acme.example/ä',
  `spiffe://acme.example/${'a'.repeat(2_048)}`,
])('%j is no SPIFFE id of a workload', (text) => {
  expect(parseSpiffeId(text)).toBeUndefined();
});

test('a SPIFFE id is what a URL parser reads in the same way', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9._%?#@:/ -]{1,8}$/);
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 4 }),
      fc.stringMatching(/^[a-z0-9._@:%A-Z-]{1,9}$/),
      (path, domain) => {
        const text = `spiffe://${domain}/${path.join('/')}`;
        const id = parseSpiffeId(text);
        if (id === undefined) return;
        const url = new URL(text);
        expect([url.href, url.hostname, url.pathname.includes('//')]).toEqual([text, id.trustDomain, false]);
      },
    ),
  );
});

test.each([
  'localhost',
  '*.acme.example',
  'Acme.example',
  'acme.example.',
  '-a.example',
  'a..b',
  'a b.example',
  'a.b\0',
  '',
])('%j is no full DNS name', (text) => {
  expect(isDnsName(text)).toBe(false);
});

test('a full DNS name has labels in lower case', () => {
  expect(isDnsName('sync-1.mail.acme.example')).toBe(true);
});
