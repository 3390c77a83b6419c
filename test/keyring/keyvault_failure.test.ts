import { expect, test } from 'vitest';
import {
  explainKeyVaultFailure,
  type KeyVaultObject,
  type KeyVaultResponse,
  refusalOf,
} from '../../src/keyring/explain_keyvault_failure.ts';
import { SECOND } from '../../src/model/clock.ts';

const OBJECT: KeyVaultObject = { kind: 'key', vaultUrl: 'https://acme.vault.azure.net', name: 'root' };

const explain = (response: KeyVaultResponse, error: unknown) =>
  explainKeyVaultFailure(OBJECT, response, error, 5 * SECOND);
const named = (name: string, more: object = {}) => Object.assign(new Error('quotes the request'), { name, ...more });

test.each([
  ['TimeoutError', undefined, 'did not answer within 5 s'],
  ['AbortError', 200, 'did not answer within 5 s'],
  ['CredentialUnavailableError', undefined, 'this process has no Azure identity'],
  ['AuthenticationRequiredError', undefined, 'this process has no Azure identity'],
  ['AggregateAuthenticationError', undefined, 'this process has no Azure identity'],
  ['RestError', undefined, 'cannot be reached (RestError)'],
  ['RestError', 200, 'sent a response that cannot be read (RestError)'],
  ['RestError', 399, 'sent a response that cannot be read (RestError)'],
  ['TimeoutError', 400, 'failed (HTTP 400)'],
  ['RestError', 401, 'does not accept the identity of this process'],
  ['RestError', 403, 'Key Vault Crypto Service Encryption User'],
  ['RestError', 404, 'does not know the key (HTTP 404)'],
  ['RestError', 429, 'is throttling (HTTP 429)'],
  ['RestError', 503, 'failed (HTTP 503)'],
])('%s after status %s is explained', (name, status, words) => {
  const failure = explain(status === undefined ? {} : { status }, named(name));
  expect(failure).toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE', message: expect.stringContaining(words) });
  expect(failure.message).toContain('https://acme.vault.azure.net, asked for the key root, ');
  expect(failure.cause).toMatchObject({ message: `${name} ${name}, last status ${status ?? 'none'}` });
});

test('the code of an error is more exact than its name, and what is no error has neither', () => {
  expect(explain({}, named('RestError', { code: 'ENOTFOUND' })).message).toContain('cannot be reached (ENOTFOUND)');
  expect(explain({}, named('RestError', { code: 17 })).message).toContain('cannot be reached (RestError)');
  expect(explain({}, 'text').message).toContain('cannot be reached (unknown error)');
  expect(explain({}, { code: 'ENOTFOUND' }).message).toContain('cannot be reached (unknown error)');
});

test('a refusal is more exact than its status', () => {
  const { message } = explain({ status: 403, refusal: 'KeyDisabled' }, named('RestError'));
  expect(message).toContain('reports that this version is disabled');
});

test.each([
  ['30', 30 * SECOND],
  [undefined, undefined],
  ['', undefined],
  ['0', undefined],
  ['-1', undefined],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
])('the Retry-After %s is %s', (retryAfter, expected) => {
  const failure = explain({ status: 429, retryAfter }, named('RestError'));
  expect(failure.retryAfter).toBe(expected);
});

test('a refusal is known by the inner code of the response, and any other body has none', () => {
  const bodyOf = (code: unknown) => ({ details: { error: { innerError: { code } } } });
  expect(refusalOf(bodyOf('ForbiddenByFirewall'))).toBe('ForbiddenByFirewall');
  for (const other of ['toString', 'Forbidden', 1, null, undefined, ['KeyDisabled']])
    expect(refusalOf(bodyOf(other))).toBeUndefined();
  for (const body of [{}, { details: {} }, { details: { error: {} } }, new Error('text')])
    expect(refusalOf(body)).toBeUndefined();
});
