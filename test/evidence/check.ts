import { type AnswerRow, nameOf } from './answer_rows.ts';
import { type Answer, GRAPH, OUTLOOK } from './crew.ts';
import { type Expected, expectedOf, REASONS } from './expected.ts';
import type { Observation, Others } from './observe.ts';

/** Differences between the observation and what the row and the rule require; empty: none. */
export function problemsOf(row: AnswerRow, seen: Observation): string[] {
  const expected = expectedOf(row);
  const problems: string[] = [];
  const same = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) problems.push(`${what} is ${String(found)}, and should be ${String(wanted)}`);
  };
  const served = (when: string, answers: Readonly<Record<string, Answer>>) => {
    for (const [who, { reason, isFresh }] of Object.entries(answers)) {
      same(`${when}, the answer to ${who}`, reason, 'OK');
      if (reason === 'OK') same(`${when}, that Entra was asked for ${who}`, isFresh, true);
    }
  };
  const refused = (when: string, answer: Answer, reason: string) => {
    same(`${when}, the reason for A`, answer.reason, reason);
    checkReason(`${when}, `, answer, same);
  };

  served('before', seen.before);
  same('the outcome at the redirect URI', seen.callback.authorize, expected.callback);
  same('the outcome of the redemption of the code', seen.callback.code, expected.callback);
  refused('at first', seen.first, expected.first);
  refused('61 s later', seen.second, expected.second);
  same('that Entra was asked at first', seen.met.first > 0, true);
  same('that Entra was asked 61 s later', seen.met.second > 0, !expected.isHeld);
  same('that Entra was asked for a resource of a refused grant', seen.met.after > 0, false);
  const { entraError = '' } = seen.first.metadata;
  if (entraError !== '' && !entraError.includes(`AADSTS${row.code}`))
    problems.push(`the evidence for A is ${entraError}`);
  if (expected.isOfCaller) same('without claims, the answer to A', seen.withoutClaims?.reason, 'OK');

  const { others, aloof } = split(seen.after, expected);
  served('meanwhile', others);
  for (const [who, answer] of Object.entries(aloof)) {
    same(`meanwhile, the answer to ${who}`, answer.reason, expected.isThrottled ? 'ENTRA_THROTTLED' : expected.second);
  }
  served('another 61 s later', expected.isAboutGrant ? split(seen.later, expected).others : seen.later);

  checkStates(row, expected, seen, same);
  same('what ends it', seen.cure, expected.cure);
  const { app, ...end } = seen.end;
  served('at the end', end);
  same('at the end, the app', app, 'OK');
  return problems.map((problem) => `${nameOf(row)}: ${problem}`);
}

type Same = (what: string, found: unknown, wanted: unknown) => void;

/** The status matches the reason, and the error says whether the user must sign in or a retry helps. */
function checkReason(when: string, { reason, status, metadata, retryAfter }: Answer, same: Same): void {
  const known = REASONS[reason];
  same(`${when}the status of ${reason}`, status, known?.status);
  same(`${when}the next step of ${reason}`, metadata['nextStep'], NEXT_STEPS[reason]);
  if (known?.actor === 'nobody') same(`${when}that ${reason} has a time to retry`, retryAfter !== undefined, true);
}

const NEXT_STEPS: Readonly<Record<string, string>> = {
  REAUTHORIZATION_REQUIRED: 'StartAuthorization',
  CONSENT_REQUIRED: 'StartAuthorization',
};

/** `aloof`: users that the rule allows to wait. */
function split(answers: Others, { isAboutGrant, isThrottled }: Expected) {
  const { other, b, c, d } = answers;
  if (isAboutGrant) return { others: { b, c, d }, aloof: { other } };
  // Entra throttles an app in a directory.
  return isThrottled ? { others: { c }, aloof: { b, d, other } } : { others: { b, c, d, other }, aloof: {} };
}

function checkStates(row: AnswerRow, expected: Expected, { states }: Observation, same: Same): void {
  const { connection, resources, app } = states;
  same('the state of A', connection.state, expected.connectionState);
  const evidence = `AADSTS${row.code}`;
  if (expected.connectionState !== 'ACTIVE') {
    same('the reason of A', connection.reason, expected.stateReason);
    same('the evidence against A', connection.entraError.split('/').at(-1), evidence);
  }
  same('the state of the resource', resources[GRAPH]?.state, expected.resourceState);
  if (expected.resourceState !== 'ACTIVE') {
    same('the reason of the resource', resources[GRAPH]?.reason, expected.stateReason);
    same('the evidence against the resource', resources[GRAPH]?.entraError.split('/').at(-1), evidence);
  }
  same(
    'the state of the other resource',
    resources[OUTLOOK]?.state,
    expected.isAboutGrant ? expected.resourceState : 'ACTIVE',
  );
  for (const [who, state] of Object.entries(states.others)) same(`the state of ${who}`, state, 'ACTIVE');
  same('the state of the app', app.state, expected.isThrottled ? 'THROTTLED' : 'OK');
  same('the number of failing directories', states.failingDirectories.length, 0);
  same('the credentials', states.credentials.join(), 'VALID');
}
