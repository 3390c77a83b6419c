import { expect, test } from 'vitest';
import { asAppTokenMeaning } from '../../src/entra/errors/classify_app_token_error.ts';
import { classify } from '../../src/entra/errors/classify_entra_response.ts';
import { ENTRA_ERRORS } from '../../src/entra/errors/entra_error_table.ts';
import { NOW } from './fixtures.ts';
import { refusal } from './responses.ts';

/** Documented reasons of GetAppAccessToken; INTERNAL for requests that Entra cannot read. */
const REASONS: ReadonlySet<string> = new Set([
  'ADMIN_CONSENT_REQUIRED',
  'BLOCKED_BY_POLICY',
  'APP_CREDENTIAL_REJECTED',
  'APP_CREDENTIAL_EXPIRED',
  'APP_MISCONFIGURED',
  'FIELD_INVALID',
  'ENTRA_UNAVAILABLE',
  'ENTRA_THROTTLED',
  'INTERNAL',
]);

function meaningOf(error: string, code: number) {
  const meaning = classify(refusal(error, code), NOW);
  if (meaning === undefined) throw new Error('the answer brings a token');
  return asAppTokenMeaning(meaning);
}

test.each(ENTRA_ERRORS)('AADSTS$code requires no action of a user', ({ code, errors: [error = ''] }) => {
  const { failure } = meaningOf(error, code);

  expect(REASONS).toContain(failure.reason);
  expect(['ambiguous', 'reauthorize']).not.toContain(failure.kind);
  if (failure.reason === 'ENTRA_UNAVAILABLE') expect(failure.subject).toBe('entra');
});

test('an unknown code counts against its request for a minute', () => {
  expect(meaningOf('invalid_grant', 9999999)).toMatchObject({
    known: false,
    failure: { kind: 'app_config', subject: 'request', reason: 'APP_MISCONFIGURED', retryAfter: undefined },
  });
});
