import { glob } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { MutantCoverage } from '@stryker-mutator/api/core';
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import type {
  RunnerTestSuite as Suite,
  RunnerTask as Task,
  RunnerTestCase as Test,
  RunnerTestFile as TestFile,
} from 'vitest';

/** What instrumented sources read and write. */
interface Instrumented {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: MutantCoverage;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

type StartTests = (files: readonly string[], runner: object) => Promise<TestFile[]>;

const TEST_TIMEOUT = 8_000;
/** What a mutant prevents is not awaited for long. */
const POLL = { timeout: 2_000, interval: 10 };

/**
 * Runs the tests of a mutant in the process of the runner, which has imported all sources: a process for each mutant, as
 * Stryker's runner for Vitest starts them, costs ten times as much as the tests. Static mutants have their own process.
 */
function createRunner() {
  const instrumented: Instrumented = Reflect.get(globalThis, '__stryker__') ?? {};
  Reflect.set(globalThis, '__stryker__', instrumented);
  let files: readonly string[] = [];
  let runs = 0;

  async function run(
    only: ReadonlySet<string> | undefined,
    mutant: string | undefined,
  ): Promise<readonly TestResult[]> {
    const results: TestResult[] = [];
    let failed = false;
    const runner = {
      config: CONFIG,
      pool: 'forks',
      // Again in each run, so that its tests are collected; it imports the same sources.
      importFile: (path: string) => import(`${path}?run=${runs}`),
      onCollected() {
        instrumented.hitCount = 0;
        instrumented.activeMutant = mutant;
      },
      onBeforeRunTask(test: Test) {
        if (failed || !(only?.has(idOf(test)) ?? true)) test.mode = 'skip';
        else instrumented.currentTestId = idOf(test);
      },
      onAfterRunTask(task: Task) {
        instrumented.currentTestId = undefined;
        if (task.type !== 'test' || task.mode === 'skip') return;
        const result = resultOf(task);
        results.push(result);
        if (mutant !== undefined && result.status === TestStatus.Failed) failed = true;
      },
      onTaskUpdate() {},
    };
    runs++;
    const needed = files.filter((file) => only === undefined || [...only].some((id) => id.startsWith(`${file}#`)));
    for (const file of await (await internals()).startTests(needed, runner)) {
      const message = file.result?.errors?.[0]?.message;
      if (message !== undefined) throw new Error(`${file.filepath}: ${message}`);
    }
    return results;
  }

  return {
    capabilities: () => ({ reloadEnvironment: false }),
    async init(): Promise<void> {
      const found: string[] = [];
      for (const pattern of (process.env['MUTATION_TESTS'] ?? '').split(' '))
        for await (const file of glob(pattern)) found.push(resolve(file));
      files = [...new Set(found)];
      // Before a test replaces them: `vi.waitFor` waits by the real timers.
      (await internals()).setSafeTimers();
    },
    async dryRun(): Promise<DryRunResult> {
      instrumented.activeMutant = undefined;
      const tests = [...(await run(undefined, undefined))];
      const coverage = instrumented.mutantCoverage;
      return { status: DryRunStatus.Complete, tests, ...(coverage === undefined ? {} : { mutantCoverage: coverage }) };
    },
    async mutantRun({
      activeMutant,
      hitLimit,
      mutantActivation,
      testFilter,
    }: MutantRunOptions): Promise<MutantRunResult> {
      instrumented.hitLimit = hitLimit;
      instrumented.activeMutant = mutantActivation === 'static' ? activeMutant.id : undefined;
      const only = testFilter === undefined ? undefined : new Set(testFilter);
      try {
        const tests = [...(await run(only, activeMutant.id))];
        const looping = determineHitLimitReached(instrumented.hitCount, hitLimit);
        return toMutantRunResult(looping ?? { status: DryRunStatus.Complete, tests });
      } catch (error) {
        // A static mutant with which a file cannot be imported.
        return toMutantRunResult({ status: DryRunStatus.Error, errorMessage: String(error) });
      } finally {
        instrumented.activeMutant = undefined;
      }
    },
  };
}

const CONFIG = {
  root: process.cwd(),
  setupFiles: [],
  sequence: { hooks: 'stack', setupFiles: 'list', shuffle: false, concurrent: false, seed: 1 },
  maxConcurrency: 1,
  testTimeout: TEST_TIMEOUT,
  hookTimeout: TEST_TIMEOUT,
  retry: 0,
  tags: [],
  allowOnly: false,
  passWithNoTests: false,
  expect: { poll: POLL },
  fakeTimers: {},
  chaiConfig: {},
};

/** Vitest's own, without its processes: `expect.poll` reads the state of a worker. */
async function internals(): Promise<{ readonly startTests: StartTests; setSafeTimers(): void }> {
  Reflect.set(globalThis, '__vitest_worker__', { config: CONFIG, ctx: {}, durations: {}, onCleanup() {} });
  const internal: string = 'vitest/internal/browser';
  return await import(internal);
}

function idOf(test: Test): string {
  return `${test.file.filepath}#${nameOf(test)}`;
}

function nameOf(test: Test): string {
  const names = [test.name];
  for (let suite: Suite | undefined = test.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
  return names.join(' > ');
}

function resultOf(test: Test): TestResult {
  const name = `${relative(process.cwd(), test.file.filepath)} > ${nameOf(test)}`;
  const facts = { id: idOf(test), name, fileName: test.file.filepath, timeSpentMs: test.result?.duration ?? 0 };
  if (test.result?.state === 'pass') return { ...facts, status: TestStatus.Success };
  const failureMessage = test.result?.errors?.[0]?.message ?? 'without a message';
  return { ...facts, status: TestStatus.Failed, failureMessage };
}

/** A plugin of Stryker, by its conventions. */
export const strykerPlugins = [{ kind: 'TestRunner', name: 'in-process', factory: createRunner }];
