import { vi } from 'vitest';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import type { Onboarded } from '../scenarios/onboard.ts';
import type { Scenario } from '../scenarios/start_scenario.ts';
import type { AnswerRow } from './answer_rows.ts';
import { type Answer, askFor, type Crew, GRAPH, gatherCrew, OUTLOOK } from './crew.ts';
import { expectedInDirectory } from './expected_in_directory.ts';
import { inTurns } from './in_turns.ts';
import { inject, removeFaults } from './inject.ts';
import { createMeter } from './meter.ts';
import { readStates, type States } from './states.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const AT_A_TIME = 8;
/** For a probe in the background, on a busy machine. */
const PATIENCE = 10 * SECOND;

/** In the order of the calls. `other`: A's other resource. C is in another directory. */
export type Answers = Readonly<Record<'a' | 'other' | 'c' | 'b' | 'd', Answer>>;

export interface DirectoryObservation {
  readonly refused: Answers;
  /** How often Entra answered B with the row. */
  readonly metByB: number;
  readonly states: States;
  /** Five and a half minutes after Entra grants again. */
  readonly afterwards: Answers;
  readonly appAfterwards: string;
}

interface Run {
  readonly row: AnswerRow;
  readonly crew: Crew;
  seen: Partial<DirectoryObservation>;
}

/**
 * Gives each of the answers to everybody who asks for one resource in one directory, the app itself included, hours after the last
 * grant there: what is held then, and against whom.
 */
export async function observeDirectory(
  scenario: Scenario,
  guest: Pick<Onboarded, 'name' | 'connection'>,
  rows: readonly AnswerRow[],
  firstNumber: number,
): Promise<DirectoryObservation[]> {
  const { sandbox } = scenario;
  const runs: Run[] = [];
  await inTurns(AT_A_TIME, [...rows.entries()], async ([index, row]) => {
    const crew = await gatherCrew(scenario, guest, firstNumber + index);
    runs[index] = { row, crew, seen: {} };
  });
  const all = (step: (run: Run) => Promise<Partial<DirectoryObservation>>) =>
    inTurns(AT_A_TIME, runs, async (run) => {
      run.seen = { ...run.seen, ...(await step(run)) };
    });

  await scenario.later(3 * HOUR);
  for (const { row, crew } of runs) {
    const { code, error } = row;
    const where = { app: crew.tenant.clientId, directory: CONTOSO, resource: GRAPH };
    await inject(scenario, { kind: 'error', code, error, untilRemoved: true, ...where });
  }
  const meter = createMeter(sandbox);
  await all(async ({ row, crew }) => ({ refused: await askAll(scenario, crew, () => untilHeld(scenario, row, crew)) }));
  const met = meter.read();
  await all(async ({ crew }) => ({ metByB: met.get(crew.users.b) ?? 0, states: await readStates(scenario, crew) }));

  await removeFaults(scenario);
  await scenario.later(5.5 * MINUTE);
  await all(async ({ crew }) => {
    const afterwards = await askAll(scenario, crew);
    return { afterwards, appAfterwards: (await readStates(scenario, crew)).app.state };
  });
  return runs.map(({ seen }) => seen as DirectoryObservation);
}

async function askAll(scenario: Scenario, { connections }: Crew, between = async () => {}): Promise<Answers> {
  const a = await askFor(scenario, connections.a);
  await between();
  const other = await askFor(scenario, connections.a, { resource: OUTLOOK });
  const c = await askFor(scenario, connections.c);
  const b = await askFor(scenario, connections.b);
  const d = await askFor(scenario, connections.d);
  return { a, other, c, b, d };
}

/** What is larger than A's own is held once a probe confirms it, in the background. If that never happens, the check tells. */
async function untilHeld(scenario: Scenario, row: AnswerRow, crew: Crew): Promise<void> {
  const { cooldowns } = expectedInDirectory(row);
  if (cooldowns === undefined) return;
  const isHeld = async () => {
    const { app, failingDirectories } = await readStates(scenario, crew);
    return cooldowns === 'app' ? app.state !== 'OK' : failingDirectories.length > 0;
  };
  await vi.waitUntil(isHeld, { timeout: PATIENCE }).catch(() => {});
}
