import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { type AnswerRow, nameOf } from './answer_rows.ts';
import { GRAPH, OUTLOOK } from './crew.ts';
import { expectedOf } from './expected.ts';
import { expectedInDirectory } from './expected_in_directory.ts';
import type { DirectoryObservation } from './observe_directory.ts';

/** Differences between the observation and what the row and the rule require; empty: none. */
export function problemsInDirectory(row: AnswerRow, seen: DirectoryObservation): string[] {
  const expected = expectedInDirectory(row);
  const problems: string[] = [];
  const same = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) problems.push(`${what} is ${String(found)}, and should be ${String(wanted)}`);
  };
  const { refused, states, afterwards } = seen;
  for (const who of ['a', 'b', 'd'] as const) same(`the answer to ${who}`, refused[who].reason, expected.refused);
  same("the answer for A's other resource", refused.other.reason, expected.other);
  same('the answer to c, elsewhere', refused.c.reason, expected.elsewhere);
  same('that Entra was asked for b', seen.metByB > 0, !expected.isLocal);

  same('the state of the app', states.app.state, expected.appState);
  if (expected.cooldowns === 'app') same('the reason of the app', states.app.reason, expected.refused);
  same('the failing directories', states.failingDirectories.join(), expected.cooldowns === 'directory' ? CONTOSO : '');
  same('the credentials', states.credentials.join(), expected.credentialState);
  const isSuspect = expected.passes && expectedOf(row).cure === 'VerifyConnection';
  const { connectionState, resourceState } = isSuspect
    ? { connectionState: 'ACTIVE', resourceState: 'ACTIVE' }
    : expectedOf(row);
  same('the state of A', states.connection.state, connectionState);
  same('the state of the resource', states.resources[GRAPH]?.state, resourceState);
  same(
    'the state of the other resource',
    states.resources[OUTLOOK]?.state,
    connectionState === 'ACTIVE' ? 'ACTIVE' : resourceState,
  );
  // B and D have no other resource.
  const others = resourceState === 'CONSENT_REQUIRED' ? 'REAUTHORIZATION_REQUIRED' : resourceState;
  same('the state of b', states.others.b, others);
  same('the state of c', states.others.c, 'ACTIVE');
  same('the state of d', states.others.d, others);

  if (expected.passes)
    for (const [who, { reason }] of Object.entries(afterwards)) same(`afterwards, ${who}`, reason, 'OK');
  same('afterwards, the app', seen.appAfterwards, 'OK');
  return problems.map((problem) => `${nameOf(row)}, in the whole directory: ${problem}`);
}
