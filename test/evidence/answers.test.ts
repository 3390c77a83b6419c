import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { nameOf, readAnswerRows } from './answer_rows.ts';
import { changedRows } from './changed_rows.ts';
import { problemsOf } from './check.ts';
import { problemsInDirectory } from './check_directory.ts';
import { type Observation, observe } from './observe.ts';
import { type DirectoryObservation, observeDirectory } from './observe_directory.ts';

const rows = readAnswerRows();
/** Five changed rows of the table: the checks must find each difference. */
const seed = randomInt(1_000_000);
const wrong = changedRows(rows, 5, seed);

const cases = rows.map((row, index) => ({ name: nameOf(row), row, index }));
/** For all rows, on a busy machine. */
const LONGEST = 600_000;

let scenario: Scenario;
let alone: Observation[];
let together: DirectoryObservation[];
beforeAll(async () => {
  scenario = await startScenario({ seams: { log: { ...silentLog, flush() {}, dropped: 0 } } });
  await scenario.tenants.registerTenant({ tenantId: 'guest', catalog: 'microsoft' });
  const guest = { name: 'tenants/guest', connection: (id: string) => `tenants/guest/connections/${id}` };
  alone = await observe(scenario, guest, [...rows, ...wrong], 0);
  together = await observeDirectory(scenario, guest, [...rows, ...wrong], 1_000);
}, LONGEST);
afterAll(() => scenario.close());

describe('a response to one user', () => {
  test.each(cases)('$name', ({ row, index }) => {
    expect(problemsOf(row, alone[index] as Observation)).toEqual([]);
  });
});

describe('a response to all requests for one resource in one directory', () => {
  test.each(cases)('$name', ({ row, index }) => {
    expect(problemsInDirectory(row, together[index] as DirectoryObservation)).toEqual([]);
  });
});

test.each(wrong.map((row, index) => ({ name: nameOf(row), row, index: rows.length + index })))(
  `$name, changed at random to $row.kind of $row.subject (seed ${seed}), is found`,
  ({ row, index }) => {
    const problems = problemsOf(row, alone[index] as Observation);
    problems.push(...problemsInDirectory(row, together[index] as DirectoryObservation));
    expect(problems).not.toEqual([]);
  },
);
