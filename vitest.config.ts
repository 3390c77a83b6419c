import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'clients/*/test/**/*.test.ts'],
    globalSetup: ['test/bundled_programs.ts'],
    pool: 'forks',
    // Half of the time the tests wait: for processes that start, for the browser, for Entra's pauses.
    maxWorkers: 2 * availableParallelism(),
    // A guard against what hangs, not a measure: a test that starts three processes takes 5 s alone, 20 s in company.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // Patient, because the machine may be busy.
    expect: { poll: { timeout: 15_000, interval: 10 } },
  },
});
