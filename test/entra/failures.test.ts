import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classify } from '../../src/entra/errors/classify_entra_response.ts';
import { ENTRA_ERRORS } from '../../src/entra/errors/entra_error_table.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import { readAnswerRows } from '../evidence/answer_rows.ts';
import { NOW } from './fixtures.ts';
import { aResponse, NAMED_USER, refusal } from './responses.ts';

const kindOf = (answer: Parameters<typeof classify>[0]) => classify(answer, NOW)?.failure.kind;

describe('every row of the table', () => {
  test.each(ENTRA_ERRORS.flatMap((row) => row.errors.map((error) => ({ ...row, error }))))(
    'AADSTS$code under $error is $kind, counts against the $subject, and gives $reason',
    ({ code, error, kind, subject, reason }) => {
      const entraError = `${error}/AADSTS${code}`;
      expect(classify(refusal(error, code), NOW)?.failure).toMatchObject({
        kind,
        subject,
        reason,
        entraError,
      });
    },
  );

  test.each(ENTRA_ERRORS)('AADSTS$code has the same meaning under an unknown `error`', ({ code, kind, subject }) => {
    // Codes with two meanings, which the error word distinguishes.
    if ([9002313, 650051, 65005].includes(code)) return;
    expect(classify(refusal('new_word', code), NOW)?.failure).toMatchObject({ kind, subject });
  });
});

test.each(readAnswerRows())(
  'AADSTS$code as $error with suberror $suberror is $kind of the $subject',
  ({ code, error, suberror, kind, subject }) => {
    const failure = classify(refusal(error, code, { suberror }), NOW)?.failure;
    expect([failure?.kind, failure?.subject]).toEqual([kind.replace(/[ ,].*/, ''), subject]);
  },
);

describe('error words and suberrors without a known code', () => {
  test.each([
    ['invalid_grant', 'bad_token', 'reauthorize'],
    ['invalid_grant', 'token_expired', 'reauthorize'],
    ['invalid_grant', 'basic_action', 'reauthorize'],
    ['invalid_grant', 'user_password_expired', 'reauthorize'],
    ['invalid_grant', 'consent_required', 'consent'],
    ['invalid_grant', 'message_only', 'blocked'],
    ['invalid_grant', 'additional_action', 'blocked'],
    ['invalid_grant', 'protection_policy_required', 'blocked'],
    ['invalid_grant', undefined, 'reauthorize'],
    ['interaction_required', undefined, 'reauthorize'],
    ['interaction_required', 'message_only', 'blocked'],
    ['login_required', undefined, 'reauthorize'],
    ['consent_required', undefined, 'consent'],
    ['invalid_client', undefined, 'app_config'],
    ['unauthorized_client', undefined, 'app_config'],
    ['invalid_scope', undefined, 'app_config'],
    ['invalid_resource', undefined, 'app_config'],
    ['temporarily_unavailable', undefined, 'transient'],
    ['server_error', undefined, 'transient'],
    ['invalid_request', undefined, 'app_config'],
    ['invalid_grant', 'client_mismatch', 'reauthorize'],
    ['unauthorized_client', 'protection_policy_required', 'blocked'],
  ] as const)('%s with suberror %s is %s', (error, suberror, kind) => {
    expect(kindOf(refusal(error, [], { suberror }))).toBe(kind);
  });

  test('an unknown code under invalid_grant is ambiguous', () => {
    expect(kindOf(refusal('invalid_grant', 12345))).toBe('ambiguous');
  });

  test('an unknown code under invalid_grant with a known suberror has the suberror’s meaning', () => {
    expect(kindOf(refusal('invalid_grant', 12345, { suberror: 'bad_token' }))).toBe('reauthorize');
  });

  test('an unknown error word is transient, but not retried, and opens no circuit', () => {
    expect(classify(refusal('new_error_of_next_year', 12345), NOW)).toMatchObject({
      failure: { kind: 'transient' },
      known: false,
    });
  });

  test.each(['invalid_client', 'unauthorized_client', 'invalid_resource', 'invalid_scope', 'invalid_request'])(
    'an unknown code under %s counts against the request only',
    (error) => {
      expect(classify(refusal(error, 7999999), NOW)).toMatchObject({
        failure: { kind: 'app_config', subject: 'request', reason: 'APP_MISCONFIGURED' },
        known: false,
        suspectsCredential: error === 'invalid_client',
      });
    },
  );

  test('70002 is about the audience, unless 50012 names the secret', () => {
    expect(classify(refusal('invalid_client', 70002), NOW)?.failure.subject).toBe('request');
    expect(classify(refusal('invalid_client', [70002, 50012]), NOW)?.failure.subject).toBe('credential');
  });

  test('of several codes, the one that does the least harm to stored state wins', () => {
    expect(kindOf(refusal('invalid_grant', [12345, 50173, 90033]))).toBe('transient');
    expect(kindOf(refusal('invalid_grant', [70000, 53003]))).toBe('blocked');
  });
});

describe('the transport comes first', () => {
  test('429 is throttled, whatever the body says', () => {
    expect(kindOf({ ...refusal('invalid_grant', 50173), status: 429 })).toBe('throttled');
  });
  test('503 is transient, whatever the body says', () => {
    expect(kindOf({ ...refusal('invalid_grant', 50173), status: 503 })).toBe('transient');
  });
  test('503 with Retry-After is throttled', () => {
    expect(kindOf(aResponse({ status: 503, retryAfter: '10' }))).toBe('throttled');
  });
  test('HTML, broken JSON, a redirect, a cut connection are transient', () => {
    expect(kindOf(aResponse({ status: 400, fault: 'not_json', body: undefined }))).toBe('transient');
    expect(kindOf(aResponse({ status: 200, fault: 'not_json', body: undefined }))).toBe('transient');
    expect(kindOf(aResponse({ status: 307, fault: 'redirect', body: undefined }))).toBe('transient');
    expect(kindOf(aResponse({ status: undefined, fault: 'closed', body: undefined }))).toBe('transient');
  });
  test.each([
    ['{}', {}],
    ['an empty token', { access_token: '', token_type: 'Bearer' }],
    ['another type of token', { access_token: 'x', token_type: 'pop' }],
    ['no type', { access_token: 'x' }],
  ])('200 with %s is transient', (_, body) => {
    expect(kindOf(aResponse({ status: 200, body }))).toBe('transient');
  });
  test('a loop counts against one connection, even with a Retry-After', () => {
    expect(classify({ ...refusal('invalid_grant', 50196), retryAfter: '30' }, NOW)?.failure).toMatchObject({
      kind: 'loop_detected',
      retryAfter: 5 * MINUTE,
    });
  });
  test('a loop counts against one connection, even with a status that means an outage', () => {
    expect(kindOf({ ...refusal('temporarily_unavailable', 50196), status: 503 })).toBe('loop_detected');
  });
});

describe('Retry-After', () => {
  const wait = (retryAfter: string | undefined, date?: string) =>
    classify(aResponse({ status: 429, retryAfter, date }), NOW)?.failure.retryAfter;
  const dateIn = (duration: number) => new Date(NOW + duration).toUTCString();

  test('is read in seconds', () => expect(wait('17')).toBe(17 * SECOND));
  test('is read as a date, by the sender’s clock', () => {
    expect(wait(dateIn(90 * SECOND))).toBe(90 * SECOND);
    expect(wait(dateIn(HOUR + 90 * SECOND), dateIn(HOUR))).toBe(90 * SECOND);
  });
  test('is a minute if it is missing or invalid', () => {
    expect(wait(undefined)).toBe(MINUTE);
    expect(wait('soon')).toBe(MINUTE);
    expect(wait('-5')).toSatisfy((value: number) => value >= SECOND && value <= HOUR);
  });
  test('is at most an hour and at least a second', () => {
    expect(wait('999999')).toBe(HOUR);
    expect(wait('0')).toBe(SECOND);
    expect(wait(dateIn(-HOUR))).toBe(SECOND);
  });
});

test('a claims challenge is passed on if it is JSON', () => {
  const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
  expect(classify(refusal('interaction_required', 50076, { claims }), NOW)?.failure.claims).toBe(claims);
  expect(classify(refusal('interaction_required', 50076, { claims: '{broken' }), NOW)?.failure.claims).toBeUndefined();
});

describe('any response', () => {
  const ERRORS = [...new Set(ENTRA_ERRORS.flatMap(({ errors }) => errors))];
  const error = fc.oneof(fc.constantFrom(...ERRORS), fc.string());
  const code = fc.oneof(fc.constantFrom(...ENTRA_ERRORS.map((row) => row.code)), fc.integer(), fc.string());
  const body = fc.record(
    {
      error: fc.oneof(error, fc.anything()),
      error_codes: fc.oneof(fc.array(code), fc.anything()),
      suberror: fc.oneof(fc.constantFrom('bad_token', 'message_only', 'consent_required'), fc.anything()),
      error_description: fc.constant(NAMED_USER),
      correlation_id: fc.oneof(fc.constant(NAMED_USER), fc.anything()),
      claims: fc.oneof(fc.string(), fc.anything()),
      access_token: fc.anything(),
      token_type: fc.anything(),
    },
    { requiredKeys: [] },
  );
  const answer = fc
    .record({
      status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
      body,
      retryAfter: fc.option(fc.string(), { nil: undefined }),
    })
    .map((parts) => aResponse({ ...parts, body: parts.body as Record<string, unknown> }));

  test('it never throws, and shows nothing of the description', () => {
    fc.assert(
      fc.property(answer, (it) => {
        const { claims: _, ...failure } = classify(it, NOW)?.failure ?? {};
        expect(JSON.stringify(failure)).not.toContain(NAMED_USER);
      }),
      { numRuns: 2000 },
    );
  });

  test('429 and 5xx never mark a connection or an app, except that a loop pauses the connection', () => {
    fc.assert(
      fc.property(answer, fc.constantFrom(429, 500, 502, 503, 504, 599), (it, status) => {
        const kinds = status >= 500 ? ['transient', 'throttled', 'loop_detected'] : ['transient', 'throttled'];
        expect(kinds).toContain(kindOf({ ...it, status }));
      }),
      { numRuns: 2000 },
    );
  });

  test('a credential’s code under invalid_grant proves nothing about the credential', () => {
    fc.assert(
      fc.property(fc.array(code), body, (codes, it) => {
        const kind = kindOf(aResponse({ body: { ...it, error: 'invalid_grant', error_codes: codes } }));
        expect(kind).not.toBe('app_credential');
      }),
      { numRuns: 2000 },
    );
  });

  test('a response without a known code never counts against a credential, directory or app', () => {
    const known = new Set(ENTRA_ERRORS.map((row) => row.code));
    const unknown = fc.integer({ min: 1, max: 99_999_999 }).filter((number) => !known.has(number));
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...ERRORS), fc.string()), fc.array(unknown), (word, codes) => {
        const subject = classify(aResponse({ body: { error: word, error_codes: codes } }), NOW)?.failure.subject;
        expect(['credential', 'directory', 'resource_in_directory', 'app', 'vault']).not.toContain(subject);
      }),
      { numRuns: 2000 },
    );
  });
});
