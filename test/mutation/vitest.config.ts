import { matchesGlob, relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const include = (process.env['MUTATION_TESTS'] ?? 'none').split(' ');

/** In the order of the area, which has quick tests first: the first test that notices a mutant ends its run. */
class InListedOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) =>
      include.findIndex((glob) => matchesGlob(relative(process.cwd(), moduleId), glob));
    return files.toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}

/** The tests of one area, in one process after the other. No test of an area starts the vault as a process. */
export default defineConfig({
  test: {
    include,
    pool: 'forks',
    testTimeout: 30_000,
    sequence: { sequencer: InListedOrder },
  },
});
