import type { Onboarded } from '../scenarios/onboard.ts';
import type { Scenario } from '../scenarios/start_scenario.ts';
import type { AnswerRow } from './answer_rows.ts';
import { type Answer, askFor, type Crew, GRAPH, gatherCrew, OUTLOOK, type Person } from './crew.ts';
import type { Cure } from './expected.ts';
import { inTurns } from './in_turns.ts';
import { inject, removeFaults } from './inject.ts';
import { type Counts, createMeter } from './meter.ts';
import { signIn, signInWith } from './sign_in.ts';
import { readStates, type States } from './states.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** In seconds. A minute later a token is too short-lived for a caller, while a grant still counts as recent. */
const TOKEN_LIFE = 120;
const TOO_SHORT = 61 * SECOND;
const AT_A_TIME = 8;

/** Answers to all who are not to notice anything. */
export type Others = Readonly<Record<'b' | 'c' | 'd' | 'other', Answer>>;

export interface Observation {
  readonly before: Others & { readonly a: Answer };
  /** `outcome` in the return URL: an error at the redirect URI, and an error when the code is redeemed. */
  readonly callback: { readonly authorize: string; readonly code: string };
  readonly first: Answer;
  readonly second: Answer;
  /** How often Entra answered A with the row: for the first ask, for the second, and while the others asked. */
  readonly met: { readonly first: number; readonly second: number; readonly after: number };
  /** A without claims, where the first two asks had some. */
  readonly withoutClaims: Answer | undefined;
  readonly after: Others;
  readonly later: Others;
  readonly states: States;
  /** What made A served again. */
  readonly cure: Cure | 'nothing';
  readonly end: Others & { readonly app: string };
}

interface Run {
  readonly row: AnswerRow;
  readonly crew: Crew;
  seen: Partial<Observation>;
}

/**
 * Gives user A each of the answers, of which the table's rows are known, and asks for all before, meanwhile and afterwards. All rows go through the same
 * hours at the same time, each with an app of its own.
 */
export async function observe(
  scenario: Scenario,
  guest: Pick<Onboarded, 'name' | 'connection'>,
  rows: readonly AnswerRow[],
  firstNumber: number,
): Promise<Observation[]> {
  const { sandbox } = scenario;
  const runs: Run[] = [];
  await inTurns(AT_A_TIME, [...rows.entries()], async ([index, row]) => {
    const crew = await gatherCrew(scenario, guest, firstNumber + index);
    runs[index] = { row, crew, seen: {} };
  });
  const all = (step: (run: Run) => Promise<Partial<Observation>>) =>
    inTurns(AT_A_TIME, runs, async (run) => {
      run.seen = { ...run.seen, ...(await step(run)) };
    });

  sandbox.settings.accessTokenLifetime = TOKEN_LIFE;
  await scenario.later(2 * HOUR);
  await all(async (run) => {
    const a = await askFor(scenario, run.crew.connections.a);
    return { before: { a, ...(await askOthers(scenario, run.crew)) } };
  });
  await all(async ({ row, crew }) => ({ callback: await signInWith(scenario, crew, row) }));

  await scenario.later(TOO_SHORT);
  const meter = createMeter(sandbox);
  for (const { row, crew } of runs) if (row.subject !== 'caller') await inject(scenario, faultFor(row, crew));
  await all(async ({ row, crew }) => ({ first: await askA(scenario, row, crew) }));
  const first = meter.read();
  await scenario.later(TOO_SHORT);
  await all(async ({ row, crew }) => {
    const second = await askA(scenario, row, crew);
    const withoutClaims = row.subject === 'caller' ? await askFor(scenario, crew.connections.a) : undefined;
    return { second, withoutClaims };
  });
  const second = meter.read();
  await all(async ({ crew }) => ({ after: await askOthers(scenario, crew) }));
  const after = meter.read();
  await all(async ({ crew: { users } }) => {
    const met = (counts: Counts) => counts.get(users.a) ?? 0;
    return { met: { first: met(first), second: met(second), after: met(after) } };
  });
  await all(async ({ crew }) => ({ states: await readStates(scenario, crew) }));
  await scenario.later(TOO_SHORT);
  await all(async ({ crew }) => ({ later: await askOthers(scenario, crew) }));

  await removeFaults(scenario);
  await scenario.later(5.5 * MINUTE);
  const isServed = async ({ crew }: Run) => (await askFor(scenario, crew.connections.a)).reason === 'OK';
  await all(async (run) => ({ cure: (await isServed(run)) ? '5 minutes' : 'nothing' }));
  await scenario.later(DAY);
  const isCured = async (run: Run, cure: Cure) =>
    run.seen.cure === 'nothing' && (await isServed(run)) ? { cure } : {};
  await all((run) => isCured(run, 'a day'));
  await all(async (run) => {
    if (run.seen.cure !== 'nothing') return {};
    await scenario.connections.verifyConnection({ name: run.crew.connections.a });
    return isCured(run, 'VerifyConnection');
  });
  await all(async (run) => {
    if (run.seen.cure !== 'nothing') return {};
    await signIn(scenario, run.crew);
    return isCured(run, 'sign-in');
  });
  await all(async ({ crew }) => {
    const others = await askOthers(scenario, crew);
    return { end: { ...others, app: (await readStates(scenario, crew)).app.state } };
  });
  return runs.map(({ seen }) => seen as Observation);
}

async function askOthers(scenario: Scenario, { connections }: Crew): Promise<Others> {
  const others: Person[] = ['b', 'c', 'd'];
  const [b, c, d] = await Promise.all(others.map((person) => askFor(scenario, connections[person])));
  const other = await askFor(scenario, connections.a, { resource: OUTLOOK });
  return { b, c, d, other } as Others;
}

/** Entra judges claims of one request; everything else lasts. */
async function askA(scenario: Scenario, row: AnswerRow, crew: Crew): Promise<Answer> {
  const isOfCaller = row.subject === 'caller';
  if (isOfCaller) await inject(scenario, { ...faultFor(row, crew), untilRemoved: false });
  return askFor(scenario, crew.connections.a, { claims: isOfCaller });
}

/** Of user A; where the grant itself is sound, for one of the two resources. */
function faultFor({ code, error, subject }: AnswerRow, { tenant, users }: Crew) {
  const resource = subject === 'connection' ? {} : { resource: GRAPH };
  const whom = { app: tenant.clientId, user: users.a, grant: 'refresh_token', ...resource };
  return { kind: 'error', code, error, untilRemoved: true, ...whom } as const;
}
