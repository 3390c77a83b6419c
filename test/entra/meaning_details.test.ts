import { describe, expect, test } from 'vitest';
import { asAppTokenMeaning } from '../../src/entra/errors/classify_app_token_error.ts';
import { classify, classifyAuthorizationError } from '../../src/entra/errors/classify_entra_response.ts';
import { ENTRA_ERRORS } from '../../src/entra/errors/entra_error_table.ts';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { FailureKind } from '../../src/model/token_request_outcome.ts';
import { NOW } from './fixtures.ts';
import { aResponse, refusal } from './responses.ts';

const UNKNOWN_CODE = 7_999_999;
const HEADER_ID = '33333333-3333-3333-3333-333333333333';
const BODY_ID = '22222222-2222-2222-2222-222222222222';

function meaningOf(...[error, codes, more]: Parameters<typeof refusal>) {
  const meaning = classify(refusal(error, codes, more), NOW);
  if (meaning === undefined) throw new Error('the answer brings a token');
  return meaning;
}
const failureOf = (...parts: Parameters<typeof refusal>) => meaningOf(...parts).failure;

describe('the smallest subject is blamed', () => {
  test.each([
    ['bad_token', 'reauthorize', 'connection'],
    ['token_expired', 'reauthorize', 'connection'],
    ['user_password_expired', 'reauthorize', 'connection'],
    ['client_mismatch', 'reauthorize', 'connection'],
    ['basic_action', 'reauthorize', 'resource'],
    ['consent_required', 'consent', 'resource'],
    ['message_only', 'blocked', 'resource'],
    ['additional_action', 'blocked', 'resource'],
    ['protection_policy_required', 'blocked', 'resource'],
    ['device_authentication_failed', 'blocked', 'resource'],
  ])('suberror %s is %s and concerns the %s', (suberror, kind, subject) => {
    const entraError = `invalid_grant/${suberror}`;
    expect(meaningOf('invalid_grant', [], { suberror })).toMatchObject({
      failure: { kind, subject, entraError },
      suberror,
      known: true,
    });
  });

  test.each([
    ['invalid_grant', 'reauthorize', 'connection', 'ambiguous', 'resource'],
    ['interaction_required', 'reauthorize', 'resource', 'ambiguous', 'resource'],
    ['login_required', 'reauthorize', 'resource', 'ambiguous', 'resource'],
    ['consent_required', 'consent', 'resource', 'consent', 'resource'],
    ['invalid_client', 'app_config', 'request', 'app_config', 'request'],
    ['unauthorized_client', 'app_config', 'request', 'app_config', 'request'],
    ['invalid_scope', 'app_config', 'request', 'app_config', 'request'],
    ['invalid_resource', 'app_config', 'request', 'app_config', 'request'],
    ['invalid_request', 'app_config', 'request', 'app_config', 'request'],
    ['invalid_tenant', 'app_config', 'request', 'app_config', 'request'],
    ['unsupported_grant_type', 'vault_fault', 'vault', 'app_config', 'request'],
    ['temporarily_unavailable', 'transient', 'entra', 'transient', 'entra'],
    ['server_error', 'transient', 'entra', 'transient', 'entra'],
  ])('%s is %s of the %s; with an unknown code it is %s of the %s', (error, kind, subject, kindOfCode, ofCode) => {
    expect(failureOf(error)).toMatchObject({ kind, subject, entraError: error });
    expect(meaningOf(error, UNKNOWN_CODE)).toMatchObject({
      failure: { kind: kindOfCode, subject: ofCode, entraError: `${error}/AADSTS${UNKNOWN_CODE}` },
      known: false,
    });
  });

  test('an error word without a code is known, unless it blames the app', () => {
    expect(meaningOf('login_required').known).toBe(true);
    expect(meaningOf('invalid_client')).toMatchObject({ known: false, suspectsCredential: true });
    expect(meaningOf('invalid_request')).toMatchObject({ known: false, suspectsCredential: false });
    expect(meaningOf('new_word')).toMatchObject({ failure: { kind: 'transient', subject: 'request' }, known: false });
  });
});

/** From the one that changes the least. */
const KINDS: readonly FailureKind[] = [
  'throttled',
  'transient',
  'loop_detected',
  'app_credential',
  'app_config',
  'consent',
  'blocked',
  'reauthorize',
  'ambiguous',
  'caller',
  'vault_fault',
];

test('of two codes, the one whose kind changes the least decides, in any order', () => {
  const byCode = Map.groupBy(ENTRA_ERRORS, ({ code }) => code);
  const unique = [...byCode.values()].flatMap((rows) => (rows.length === 1 ? rows : []));
  const codeOf = (kind: FailureKind) => unique.find((row) => row.kind === kind)?.code ?? 0;
  for (const [at, least] of KINDS.entries()) {
    for (const other of KINDS.slice(at)) {
      const codes = [codeOf(least), codeOf(other)];
      expect(failureOf('new_word', codes).kind).toBe(least);
      expect(failureOf('new_word', codes.toReversed()).kind).toBe(least);
    }
  }
});

describe('what is read of a response', () => {
  test('codes are positive whole numbers, also as text, and at most sixteen', () => {
    const codes = ['50173', 0, -1, 1.5, 'x', null, {}, true, [5], 53003];
    expect(meaningOf('invalid_grant', [], { error_codes: codes }).codes).toEqual([50173, 53003]);
    const many = Array.from({ length: 40 }, (_, at) => UNKNOWN_CODE + at);
    expect(meaningOf('invalid_grant', many).codes).toEqual(many.slice(0, 16));
    expect(meaningOf('invalid_grant', [], { error_codes: '50173' }).codes).toEqual([]);
  });

  test.each(['Bad_token', 'bad token', 'bad_token!', '1bad', 'b', `b${'a'.repeat(40)}`, 7, ['bad_token']])(
    'a suberror of %s is not a word of the protocol',
    (suberror) => expect(meaningOf('invalid_grant', [], { suberror }).suberror).toBeUndefined(),
  );

  test.each(['ab', `b${'a'.repeat(39)}`])('a suberror of %s is a word', (suberror) => {
    expect(meaningOf('invalid_grant', [], { suberror }).suberror).toBe(suberror);
  });

  test('only words that a standard or Entra defines are shown', () => {
    for (const word of ['access_denied', 'invalid_tenant', 'unsupported_response_type', 'user_password_expired'])
      expect(failureOf(word).entraError).toBe(word);
    expect(failureOf('ada_lovelace').entraError).toBe('http/400');
    expect(failureOf('ada_lovelace', UNKNOWN_CODE).entraError).toBe(`unknown/AADSTS${UNKNOWN_CODE}`);
    expect(failureOf('invalid_grant', [], { suberror: 'ada_lovelace' }).entraError).toBe('invalid_grant');
    expect(failureOf('invalid_grant', [50173, 70043], { suberror: 'bad_token' }).entraError).toBe(
      'invalid_grant/AADSTS50173+AADSTS70043',
    );
  });

  test('without a response, the fault of the network is shown', () => {
    const response = aResponse({ status: undefined, fault: 'closed', body: undefined });
    expect(classify(response, NOW)).toMatchObject({ failure: { subject: 'entra', entraError: 'network/closed' } });
  });

  test('the correlation id of the body is preferred, if it is one', () => {
    expect(failureOf('invalid_grant').correlationId).toBe(BODY_ID);
    for (const id of ['ada', `${BODY_ID}0`, `x${BODY_ID}`, 7, [BODY_ID], undefined])
      expect(failureOf('invalid_grant', [], { correlation_id: id }).correlationId).toBe(HEADER_ID);
  });

  test('claims are text of at most 8192 characters', () => {
    const claimsOf = (length: number) => JSON.stringify({ a: 'x'.repeat(length - 8) });
    const read = (claims: unknown) => failureOf('interaction_required', 50076, { claims }).claims;
    expect(read(claimsOf(8192))).toBe(claimsOf(8192));
    expect(read(claimsOf(8193))).toBeUndefined();
    expect(read({ a: 'x' })).toBeUndefined();
  });
});

describe('a response of status', () => {
  const token = { access_token: 'x', token_type: 'bearer' };
  /** Nothing but Entra itself may be blamed, except for a loop. */
  function kindOf(parts: Parameters<typeof aResponse>[0]) {
    const meaning = classify(aResponse(parts), NOW);
    if (meaning === undefined) return 'granted';
    const { kind, subject } = meaning.failure;
    expect([meaning.known, subject]).toEqual([true, kind === 'loop_detected' ? 'connection' : 'entra']);
    return kind;
  }

  test.each([200, 299])('%i with a token grants it', (status) => {
    expect(kindOf({ status, body: token })).toBe('granted');
  });

  test.each([199, 300, 400])('%i grants nothing', (status) => {
    expect(classify(aResponse({ status, body: token }), NOW)).toMatchObject({ known: false });
  });

  test('429 and 503 concern Entra, whatever their body', () => {
    expect(kindOf({ ...refusal('invalid_grant', 50173), status: 429 })).toBe('throttled');
    expect(kindOf({ ...refusal('invalid_grant', 50173), status: 503 })).toBe('transient');
    expect(kindOf({ status: 503, retryAfter: '10' })).toBe('throttled');
  });

  test.each([
    ['a token that is no text', { ...token, access_token: 7 }],
    ['a type that is no text', { ...token, token_type: 7 }],
  ])('200 with %s grants nothing', (_, body) => expect(kindOf({ status: 200, body })).toBe('transient'));

  test('200 that could not be read completely grants nothing', () => {
    expect(kindOf({ status: 200, body: token, fault: 'not_json' })).toBe('transient');
  });

  test('400 with a Retry-After is throttled, whatever its code', () => {
    expect(kindOf({ ...refusal('invalid_grant', 50173), retryAfter: '10' })).toBe('throttled');
    expect(kindOf({ status: 400, fault: 'not_json', body: undefined, retryAfter: '10' })).toBe('throttled');
    expect(kindOf({ status: 400, fault: 'not_json', body: undefined })).toBe('transient');
  });

  test('500 is an outage, although its body names a loop under another word', () => {
    expect(kindOf({ ...refusal('server_error', 50196), status: 500 })).toBe('transient');
    expect(kindOf({ ...refusal('invalid_grant', 50196), status: 499 })).toBe('loop_detected');
    expect(kindOf({ ...refusal('server_error', 50196), status: 499, retryAfter: '30' })).toBe('loop_detected');
  });
});

test.each([
  ['an outage', 'server_error', [], 2 * SECOND],
  ['an unknown word', 'new_word', [], MINUTE],
  ['an ambiguous refusal', 'invalid_grant', [UNKNOWN_CODE], MINUTE],
  ['a known ambiguous refusal', 'invalid_grant', [70000], MINUTE],
  ['a loop', 'invalid_grant', [50196], 5 * MINUTE],
  ['throttling', 'invalid_request', [90055], MINUTE],
  ['a revoked grant', 'invalid_grant', [50173], undefined],
  ['a wrong secret', 'invalid_client', [7000215], undefined],
])('after %s the next request waits its own time', (_, error, codes, wait) => {
  expect(failureOf(error, codes).retryAfter).toBe(wait);
});

test.each([
  [' 17 ', 17 * SECOND],
  ['1234567890', 60 * MINUTE],
  ['x17', MINUTE],
  ['17x', MINUTE],
  ['0x17', MINUTE],
  ['5e2', MINUTE],
  ['1.5e400', MINUTE],
])('a Retry-After of "%s" is read in whole', (retryAfter, wait) => {
  expect(classify(aResponse({ status: 429, retryAfter }), NOW)?.failure.retryAfter).toBe(wait);
});

describe('an error at the redirect URI', () => {
  test('names known words and all codes, and nothing else of the response', () => {
    expect(classifyAuthorizationError('access_denied', [65004, UNKNOWN_CODE])).toEqual({
      kind: 'consent',
      subject: 'resource',
      reason: 'AUTHORIZATION_DECLINED',
      entraError: `access_denied/AADSTS65004/AADSTS${UNKNOWN_CODE}`,
      correlationId: undefined,
      retryAfter: undefined,
      claims: undefined,
      hint: undefined,
    });
  });

  test('with an unknown word concerns the request', () => {
    expect(classifyAuthorizationError('new_word', [])).toMatchObject({
      kind: 'app_config',
      subject: 'request',
      reason: 'APP_MISCONFIGURED',
      entraError: 'other',
    });
  });

  test('with an unknown code is not a known refusal of its word', () => {
    expect(classifyAuthorizationError('invalid_grant', [UNKNOWN_CODE])).toMatchObject({ kind: 'ambiguous' });
    expect(classifyAuthorizationError('invalid_grant', [])).toMatchObject({ kind: 'reauthorize' });
  });

  test('has the hint of its code', () => {
    const hint = ENTRA_ERRORS.find(({ code }) => code === 50011)?.hint;
    expect(classifyAuthorizationError('invalid_request', [50011]).hint).toBe(hint);
    expect(hint).toBeDefined();
  });

  test.each([
    ['access_denied', 90094, 'ADMIN_CONSENT_REQUIRED'],
    ['invalid_request', 65004, 'AUTHORIZATION_DECLINED'],
    ['access_denied', UNKNOWN_CODE, 'AUTHORIZATION_DECLINED'],
    ['permission_denied', UNKNOWN_CODE, 'AUTHORIZATION_DECLINED'],
  ])('%s with %i has the meaning of the code: %s', (error, code, reason) => {
    expect(classifyAuthorizationError(error, [code]).reason).toBe(reason);
  });
});

describe('for a token of the app itself', () => {
  const appMeaning = (...parts: Parameters<typeof refusal>) => asAppTokenMeaning(meaningOf(...parts));

  test('a refusal that requires a user is a known fault of this request', () => {
    expect(appMeaning('invalid_grant', 50076)).toMatchObject({
      known: true,
      failure: { kind: 'app_config', subject: 'request', reason: 'APP_MISCONFIGURED', retryAfter: undefined },
    });
  });

  test('missing consent requires an administrator', () => {
    expect(appMeaning('invalid_grant', 65001)).toMatchObject({
      known: true,
      failure: { kind: 'consent', subject: 'resource', reason: 'ADMIN_CONSENT_REQUIRED' },
    });
  });

  test.each([50105, 501051])('AADSTS%i asks for the assignment of the application, not of a user', (code) => {
    const { reason, hint } = appMeaning('invalid_grant', [code, UNKNOWN_CODE]).failure;
    expect([reason, hint]).toEqual(['BLOCKED_BY_POLICY', expect.stringContaining('assign the application')]);
  });

  test('another block keeps its hint', () => {
    const meaning = meaningOf('invalid_request', 500200);
    expect(asAppTokenMeaning(meaning).failure.hint).toBe(meaning.failure.hint);
    expect(appMeaning('invalid_grant', 50057).failure.reason).toBe('BLOCKED_BY_POLICY');
  });

  test('what needs no user keeps its meaning', () => {
    const meaning = meaningOf('invalid_client', 7000215);
    expect(asAppTokenMeaning(meaning)).toBe(meaning);
  });
});
