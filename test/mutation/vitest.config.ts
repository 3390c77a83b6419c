import { defineConfig } from 'vitest/config';

/** The tests of one area, in one process after the other. No test of an area starts the vault as a process. */
export default defineConfig({
  test: {
    include: (process.env['MUTATION_TESTS'] ?? 'none').split(' '),
    pool: 'forks',
    testTimeout: 30_000,
  },
});
