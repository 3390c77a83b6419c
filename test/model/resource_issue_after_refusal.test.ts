import { expect, test } from 'vitest';
import { DAY, MINUTE } from '../../src/model/clock.ts';
import { SUSPECT_INTERVAL } from '../../src/model/connection_resource_issue.ts';
import { issueAfter, type KnownResource } from '../../src/model/connection_resource_issue_after_refusal.ts';
import { PERSONAL_DIRECTORY } from '../../src/model/entra_app.ts';
import { asMissingConsent, isUnclearForPersonal } from '../../src/model/personal_account_refusal.ts';
import { type FailureKind, type FailureSubject, newFailure } from '../../src/model/token_request_outcome.ts';

const NOW = 1_800_000_000_000;
const NOTHING: KnownResource = { issue: undefined, granted: undefined };

function refusal(kind: FailureKind, subject: FailureSubject = 'resource') {
  return newFailure(kind, subject, 'ENTRA_UNAVAILABLE', { entraError: 'invalid_grant/AADSTS1', correlationId: 'c' });
}

test('the evidence of an issue names the answer of Entra', () => {
  expect(issueAfter(refusal('blocked'), NOTHING, NOW).evidence).toEqual({
    reason: 'ENTRA_UNAVAILABLE',
    entraError: 'invalid_grant/AADSTS1',
    correlationId: 'c',
    time: NOW,
  });
});

test.each([
  ['consent', 'CONSENT_REQUIRED', MINUTE],
  ['blocked', 'BLOCKED', DAY],
  ['reauthorize', 'REAUTHORIZATION_REQUIRED', DAY],
  ['ambiguous', 'ACTIVE', SUSPECT_INTERVAL],
] as const)('a first refusal of kind %s leads to %s', (kind, state, pause) => {
  expect(issueAfter(refusal(kind), NOTHING, NOW)).toMatchObject({ state, startTime: NOW, retryTime: NOW + pause });
});

test('the same refusal keeps its start, unless that lies in the future', () => {
  for (const kind of ['consent', 'blocked', 'reauthorize'] as const) {
    const issue = issueAfter(refusal(kind), NOTHING, NOW);
    const again = (now: number) => issueAfter(refusal(kind), { ...NOTHING, issue }, now).startTime;
    expect([again(NOW + DAY), again(NOW), again(NOW - 1)]).toEqual([NOW, NOW, NOW - 1]);
  }
  const issue = issueAfter(refusal('blocked'), NOTHING, NOW);
  expect(issueAfter(refusal('consent'), { ...NOTHING, issue }, NOW + 1).startTime).toBe(NOW + 1);
});

test('an ambiguous refusal prolongs a known one by its own pause, and changes nothing else', () => {
  for (const [kind, now, pause] of [
    ['blocked', NOW, DAY],
    ['blocked', NOW - DAY, DAY],
    ['consent', NOW, MINUTE],
    ['consent', NOW - DAY, MINUTE],
    ['consent', NOW + 10 * MINUTE, 40 * MINUTE],
  ] as const) {
    const issue = issueAfter(refusal(kind), NOTHING, NOW);
    const after = issueAfter(refusal('ambiguous'), { ...NOTHING, issue }, now);
    expect(after).toEqual({ ...issue, retryTime: now + pause });
  }
});

test('two ambiguous refusals count a minute apart; one from the future is forgotten', () => {
  const issue = issueAfter(refusal('ambiguous'), NOTHING, NOW);
  const again = (now: number) => issueAfter(refusal('ambiguous'), { ...NOTHING, issue }, now);
  expect(again(NOW)).toBe(issue);
  expect(again(NOW + SUSPECT_INTERVAL - 1)).toBe(issue);
  const counted = again(NOW + SUSPECT_INTERVAL);
  expect([counted.state, counted.evidence.reason]).toEqual(['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED']);
  expect(again(NOW - 1)).toMatchObject({ state: 'ACTIVE', startTime: NOW - 1 });
});

test('missing consent requests what was granted, another refusal what was requested in vain', () => {
  const known = { issue: undefined, granted: ['Mail.Read'], requested: ['Mail.Send'] };
  expect(issueAfter(refusal('consent'), known, NOW).requested).toEqual(['Mail.Read']);
  expect(issueAfter(refusal('consent'), { ...known, granted: undefined }, NOW).requested).toEqual(['Mail.Send']);
  expect(issueAfter(refusal('blocked'), known, NOW).requested).toEqual(['Mail.Send']);
  const issue = issueAfter(refusal('ambiguous'), known, NOW);
  expect(issue.requested).toEqual(['Mail.Send']);
  expect(issueAfter(refusal('blocked'), { issue, granted: undefined }, NOW).requested).toEqual(['Mail.Send']);
});

const account = { directoryId: PERSONAL_DIRECTORY.toUpperCase(), objectId: 'bob' };

test.each([
  ['ambiguous', 'connection', account, true],
  ['ambiguous', 'resource', account, false],
  ['reauthorize', 'connection', account, false],
  ['ambiguous', 'connection', { ...account, directoryId: 'contoso' }, false],
  ['ambiguous', 'connection', undefined, false],
] as const)('%s of the %s is unclear for a personal account alone', (kind, subject, of, isUnclear) => {
  const whole = of && { ...of, username: undefined, displayName: undefined, email: undefined };
  expect(isUnclearForPersonal(whole, refusal(kind, subject))).toBe(isUnclear);
});

test('once another resource is granted, the unclear error means missing consent of its resource', () => {
  expect(asMissingConsent({ ...refusal('ambiguous', 'connection'), retryAfter: 1 })).toMatchObject({
    kind: 'consent',
    subject: 'resource',
    reason: 'CONSENT_REQUIRED',
    retryAfter: undefined,
    entraError: 'invalid_grant/AADSTS1',
  });
});
