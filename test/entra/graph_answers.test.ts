import { createHash, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { graphFailure } from '../../src/entra/graph/classify_graph_failure.ts';
import { readAddedPassword, readRegistered } from '../../src/entra/graph/parse_graph_credentials.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { NOW } from './fixtures.ts';
import { aResponse } from './responses.ts';

const KEY_ID = 'f0b0b335-1d71-4883-8f98-567911bfdca6';
const END = '2030-02-03T04:05:06.7654321Z';
const said = (status: number, code: unknown, more = {}) => aResponse({ status, body: { error: { code } }, ...more });

describe('an error response of Graph', () => {
  test.each<[number, string, string]>([
    [400, 'Request_BadRequest', 'refused'],
    [400, 'CredentialInvalidLifetimeAsPerAppPolicy', 'refused'],
    [403, 'CredentialTypeNotAllowedAsPerAppPolicy', 'refused'],
    [400, 'TooManyAppPasswords', 'refused'],
    [403, 'Directory_QuotaExceeded', 'refused'],
    [401, 'InvalidAuthenticationToken', 'unavailable'],
    [401, 'Unauthorized', 'forbidden'],
    [403, 'Authorization_RequestDenied', 'forbidden'],
    [404, 'Request_ResourceNotFound', 'not_found'],
    [409, 'Directory_ConcurrencyViolation', 'unavailable'],
    [429, 'TooManyRequests', 'unavailable'],
    [503, 'serviceNotAvailable', 'unavailable'],
  ])('%i %s', (status, code, kind) => {
    expect(graphFailure(said(status, code), NOW)).toMatchObject({ kind, code });
  });

  test('with Retry-After is transient', () => {
    expect(graphFailure(said(403, 'Authorization_RequestDenied', { retryAfter: '5' }), NOW)).toEqual({
      kind: 'unavailable',
      code: 'Authorization_RequestDenied',
      retryAfter: 5000,
    });
  });

  test('has a code only if it looks like one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), fc.anything(), (status, code) => {
        const outcome = graphFailure(said(status, code), NOW);
        const kept = 'code' in outcome ? outcome.code : undefined;
        if (kept !== undefined && kept !== `http/${status}`) expect(kept).toMatch(/^[A-Za-z0-9_.-]{1,80}$/);
      }),
    );
    expect(graphFailure(said(403, 'Ada Lovelace may not'), NOW)).toMatchObject({ kind: 'forbidden', code: undefined });
  });

  test('is read from any body without a throw', () => {
    fc.assert(
      fc.property(
        fc.option(fc.dictionary(fc.constantFrom('error', 'x'), fc.anything()), { nil: undefined }),
        (body) => {
          expect(graphFailure(aResponse({ status: 403, body }), NOW).kind).toMatch(/^(forbidden|unavailable|refused)$/);
        },
      ),
    );
  });
});

describe('a registration', () => {
  const certificateOf = (key: Record<string, unknown>) =>
    readRegistered({ passwordCredentials: [], keyCredentials: [{ keyId: KEY_ID, endDateTime: END, ...key }] })
      ?.certificates[0];

  test('identifies a certificate by its thumbprint, in any spelling of Graph', () => {
    const thumbprint = '52ed9b5038a47b9e2e2190715cc238359d4f8f73';
    const bytes = Buffer.from(thumbprint, 'hex');
    for (const customKeyIdentifier of [thumbprint, thumbprint.toUpperCase(), bytes.toString('base64')])
      expect(certificateOf({ customKeyIdentifier })?.thumbprint).toBe(thumbprint);
    for (const customKeyIdentifier of [null, undefined, 'Zm9v', 'a name of my own', 7])
      expect(certificateOf({ customKeyIdentifier })?.thumbprint).toBeUndefined();
  });

  test('uses the certificate itself rather than its identifier', () => {
    const { certificate, thumbprint } = sample();
    expect(certificateOf({ key: certificate, customKeyIdentifier: 'f'.repeat(40) })?.thumbprint).toBe(thumbprint);
    expect(certificateOf({ key: 'AAAA', customKeyIdentifier: 'F'.repeat(40) })?.thumbprint).toBe('f'.repeat(40));
  });

  test('includes credentials without a readable end or hint, because they work too', () => {
    const passwordCredentials = [
      { keyId: KEY_ID, endDateTime: END, hint: 'abc', displayName: 'one', customKeyIdentifier: null, secretText: null },
      { keyId: KEY_ID.toUpperCase(), endDateTime: null, hint: null, displayName: null },
      { keyId: KEY_ID, endDateTime: 'soon' },
      { keyId: 'x' },
      null,
    ];
    expect(readRegistered({ passwordCredentials, keyCredentials: [] })?.passwords).toEqual([
      { keyId: KEY_ID, endTime: Date.UTC(2030, 1, 3, 4, 5, 6, 765), hint: 'abc', displayName: 'one' },
      { keyId: KEY_ID, endTime: undefined, hint: '', displayName: '' },
      { keyId: KEY_ID, endTime: undefined, hint: '', displayName: '' },
    ]);
  });

  test('is not read from other values', () => {
    for (const body of [undefined, {}, { passwordCredentials: [] }, { passwordCredentials: {}, keyCredentials: [] }])
      expect(readRegistered(body)).toBeUndefined();
    fc.assert(
      fc.property(fc.array(fc.anything()), fc.array(fc.anything()), (passwordCredentials, keyCredentials) => {
        expect(readRegistered({ passwordCredentials, keyCredentials })).toBeDefined();
      }),
    );
  });
});

describe('an added secret', () => {
  const body = { keyId: KEY_ID, secretText: 'the-value', endDateTime: END };

  test('has the end that Graph returns, or else the requested one', () => {
    expect(readAddedPassword(body, NOW)).toMatchObject({ keyId: KEY_ID, endTime: Date.parse(END) });
    expect(readAddedPassword({ ...body, endDateTime: null }, NOW)?.endTime).toBe(NOW);
    expect(readAddedPassword(body, NOW)?.secret.reveal()).toBe('the-value');
  });

  test.each([undefined, {}, { ...body, secretText: null }, { ...body, secretText: '' }, { ...body, keyId: undefined }])(
    'is not read without its value or its key id: %j',
    (broken) => {
      expect(readAddedPassword(broken, NOW)).toBeUndefined();
    },
  );
});

function sample() {
  const { certificate } = makeCertificate(NOW, NOW + 1000);
  const parsed = new X509Certificate(certificate);
  const thumbprint = createHash('sha1').update(parsed.raw).digest('hex');
  return { certificate: parsed.raw.toString('base64'), thumbprint };
}
