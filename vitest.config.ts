import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Half of the time the tests wait: for processes that start, for the browser, for Entra's pauses.
    maxWorkers: 2 * availableParallelism(),
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
