import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAMILIES, KIND_OF_CODE } from '../../src/entra/failure_codes.ts';
import { classify } from '../../src/entra/failures.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Reason } from '../../src/model/errors.ts';
import type { FailureKind } from '../../src/model/exchange.ts';
import { anAnswer, NAMED_USER, refusal } from './answers.ts';
import { NOW } from './fixtures.ts';

const kindOf = (answer: Parameters<typeof classify>[0]) => classify(answer, NOW)?.failure.kind;

describe('every number of the design page', () => {
  const rows: readonly [FailureKind, string, Reason, readonly number[]][] = [
    ['transient', 'invalid_grant', 'ENTRA_UNAVAILABLE', [90033, 90006, 90012, 90024, 50033, 50087, 70012, 90090]],
    ['throttled', 'invalid_request', 'ENTRA_THROTTLED', [90055]],
    ['looping', 'invalid_grant', 'ENTRA_THROTTLED', [50196]],
    [
      'app_credential',
      'invalid_client',
      'APP_CREDENTIAL_REJECTED',
      [7000215, 700027, 700030, 700024, 50048, 70002, 50012, 700211, 700212, 700213],
    ],
    ['app_credential', 'invalid_client', 'APP_CREDENTIAL_EXPIRED', [7000222]],
    ['app_credential', 'unauthorized_client', 'APP_CREDENTIAL_REJECTED', [7000215, 700027]],
    ['app_config', 'unauthorized_client', 'APP_MISCONFIGURED', [700016, 7000112, 70001]],
    ['app_config', 'invalid_client', 'APP_MISCONFIGURED', [7000229]],
    ['app_config', 'invalid_client', 'APP_MISCONFIGURED', [650052, 650057, 7000218, 700025]],
    [
      'app_config',
      'invalid_request',
      'APP_MISCONFIGURED',
      [90002, 50194, 900439, 90038, 900382, 9001023, 90124, 90130, 28000, 28002],
    ],
    ['app_config', 'invalid_resource', 'APP_MISCONFIGURED', [500011, 50001, 650057]],
    ['app_config', 'invalid_scope', 'APP_MISCONFIGURED', [70011, 28002]],
    [
      'reauthorize',
      'invalid_grant',
      'REAUTHORIZATION_REQUIRED',
      [
        50173, 700082, 700084, 70043, 70008, 50076, 50079, 50074, 50072, 50078, 50158, 50055, 50144, 50089, 50132,
        50133,
      ],
    ],
    ['consent', 'invalid_grant', 'CONSENT_REQUIRED', [65001, 90008, 65004]],
    ['consent', 'consent_required', 'ADMIN_CONSENT_REQUIRED', [90094, 90095]],
    ['blocked', 'invalid_grant', 'BLOCKED_BY_POLICY', [53003, 530032, 50131, 53011, 53000, 53001, 50020, 50105]],
    ['blocked', 'interaction_required', 'BLOCKED_BY_POLICY', [53003, 530032, 50131, 53011, 53000, 53001]],
    ['blocked', 'invalid_grant', 'ACCOUNT_DISABLED', [50057, 50034, 51004]],
    ['suspect', 'invalid_grant', 'ENTRA_UNAVAILABLE', [70000, 50053]],
    ['ours', 'invalid_request', 'INTERNAL', [9002313, 90014, 900144, 90013]],
    ['ours', 'invalid_grant', 'INTERNAL', [501481, 54005, 9002313]],
  ];
  for (const [kind, error, reason, codes] of rows) {
    test.each(codes)(`AADSTS%i under ${error} is ${kind}, told as ${reason}`, (code) => {
      expect(classify(refusal(error, code), NOW)?.failure).toMatchObject({
        kind,
        reason,
        entraError: `${error}/AADSTS${code}`,
      });
    });
  }
});

describe('families and suberrors, where no number is known', () => {
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
    ['invalid_client', undefined, 'app_credential'],
    ['unauthorized_client', undefined, 'app_config'],
    ['invalid_scope', undefined, 'app_config'],
    ['invalid_resource', undefined, 'app_config'],
    ['temporarily_unavailable', undefined, 'transient'],
    ['server_error', undefined, 'transient'],
    ['invalid_request', undefined, 'ours'],
  ] as const)('%s with suberror %s is %s', (error, suberror, kind) => {
    expect(kindOf(refusal(error, [], { suberror }))).toBe(kind);
  });

  test('an unknown number under invalid_grant is a first strike', () => {
    expect(kindOf(refusal('invalid_grant', 12345))).toBe('suspect');
  });

  test('an unknown number under invalid_grant with a known suberror goes by the suberror', () => {
    expect(kindOf(refusal('invalid_grant', 12345, { suberror: 'bad_token' }))).toBe('reauthorize');
  });

  test('an unknown family is transient, but neither retried nor held against Entra’s health', () => {
    expect(classify(refusal('new_error_of_next_year', 12345), NOW)).toMatchObject({
      failure: { kind: 'transient' },
      known: false,
    });
  });

  test('all numbers are looked at, and the mildest for what we keep wins', () => {
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
    expect(kindOf(anAnswer({ status: 503, retryAfter: '10' }))).toBe('throttled');
  });
  test('HTML, broken JSON, a redirect, a cut connection are transient', () => {
    expect(kindOf(anAnswer({ status: 400, fault: 'not_json', body: undefined }))).toBe('transient');
    expect(kindOf(anAnswer({ status: 200, fault: 'not_json', body: undefined }))).toBe('transient');
    expect(kindOf(anAnswer({ status: 307, fault: 'redirect', body: undefined }))).toBe('transient');
    expect(kindOf(anAnswer({ status: undefined, fault: 'closed', body: undefined }))).toBe('transient');
  });
  test.each([
    ['{}', {}],
    ['an empty token', { access_token: '', token_type: 'Bearer' }],
    ['another type of token', { access_token: 'x', token_type: 'pop' }],
    ['no type', { access_token: 'x' }],
  ])('200 with %s is transient', (_, body) => {
    expect(kindOf(anAnswer({ status: 200, body }))).toBe('transient');
  });
  test('a client in a loop is one connection, even when Entra adds a Retry-After', () => {
    expect(classify({ ...refusal('invalid_grant', 50196), retryAfter: '30' }, NOW)?.failure).toMatchObject({
      kind: 'looping',
      retryAfter: 5 * MINUTE,
    });
  });
});

describe('Retry-After', () => {
  const wait = (retryAfter: string | undefined, date?: string) =>
    classify(anAnswer({ status: 429, retryAfter, date }), NOW)?.failure.retryAfter;
  const dateIn = (duration: number) => new Date(NOW + duration).toUTCString();

  test('is read in seconds', () => expect(wait('17')).toBe(17 * SECOND));
  test('is read as a date, by the sender’s clock', () => {
    expect(wait(dateIn(90 * SECOND))).toBe(90 * SECOND);
    expect(wait(dateIn(HOUR + 90 * SECOND), dateIn(HOUR))).toBe(90 * SECOND);
  });
  test('is a minute when it is missing or nonsense', () => {
    expect(wait(undefined)).toBe(MINUTE);
    expect(wait('soon')).toBe(MINUTE);
    expect(wait('-5')).toSatisfy((value: number) => value >= SECOND && value <= HOUR);
  });
  test('is an hour at most, a second at least', () => {
    expect(wait('999999')).toBe(HOUR);
    expect(wait('0')).toBe(SECOND);
    expect(wait(dateIn(-HOUR))).toBe(SECOND);
  });
});

test('a claims challenge is passed on, when it is JSON', () => {
  const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
  expect(classify(refusal('interaction_required', 50076, { claims }), NOW)?.failure.claims).toBe(claims);
  expect(classify(refusal('interaction_required', 50076, { claims: '{broken' }), NOW)?.failure.claims).toBeUndefined();
});

describe('whatever comes', () => {
  const error = fc.oneof(fc.constantFrom(...FAMILIES.keys()), fc.string());
  const code = fc.oneof(fc.constantFrom(...KIND_OF_CODE.keys()), fc.integer(), fc.string());
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
    .map((parts) => anAnswer({ ...parts, body: parts.body as Record<string, unknown> }));

  test('it never throws, and tells nothing of the description', () => {
    fc.assert(
      fc.property(answer, (it) => {
        const { claims: _, ...failure } = classify(it, NOW)?.failure ?? {};
        expect(JSON.stringify(failure)).not.toContain(NAMED_USER);
      }),
      { numRuns: 2000 },
    );
  });

  test('429 and 5xx never touch a connection or an app', () => {
    fc.assert(
      fc.property(answer, fc.constantFrom(429, 500, 502, 503, 504, 599), (it, status) => {
        expect(['transient', 'throttled']).toContain(kindOf({ ...it, status }));
      }),
      { numRuns: 2000 },
    );
  });

  test('a credential is blamed only where Entra refused the client', () => {
    const others = [...FAMILIES.keys()].filter((family) => !['invalid_client', 'unauthorized_client'].includes(family));
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...others), fc.string()), fc.array(code), body, (family, codes, it) => {
        const kind = kindOf(anAnswer({ body: { ...it, error: family, error_codes: codes } }));
        expect(kind).not.toBe('app_credential');
      }),
      { numRuns: 5000 },
    );
  });

  test('a refused client never costs a user the grant', () => {
    fc.assert(
      fc.property(fc.constantFrom('invalid_client', 'unauthorized_client'), fc.array(code), (family, codes) => {
        const kind = kindOf(anAnswer({ body: { error: family, error_codes: codes } }));
        expect(['reauthorize', 'consent', 'blocked', 'suspect', 'ours']).not.toContain(kind);
      }),
      { numRuns: 2000 },
    );
  });
});
