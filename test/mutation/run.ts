import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { AREAS, type Area } from './areas.ts';
import { listedSurvivors, survivorOf, unlisted } from './survivors.ts';

/** `npm run test:mutation [-- --area NAME --concurrency N]`. Fails below the threshold, and for a survivor that is not listed. */
const MIN_PERCENT = 85;

const { values } = parseArgs({
  options: { area: { type: 'string', multiple: true }, concurrency: { type: 'string' } },
});
const names = values.area ?? Object.keys(AREAS);
const concurrency = Number(values.concurrency ?? 2);

async function test({ mutate, tests }: Area) {
  process.env['MUTATION_TESTS'] = tests.join(' ');
  const results = await new Stryker({
    mutate: [...mutate],
    testRunner: 'in-process',
    plugins: ['./test/mutation/in_process_test_runner.ts', './test/mutation/ignore_messages.ts'],
    ignorers: ['messages'],
    coverageAnalysis: 'perTest',
    concurrency,
    // What the tests of a mutant leave behind ends with the process.
    maxTestRunnerReuse: 60,
    reporters: ['progress-append-only'],
    // TypeScript 7 has no API in JavaScript with which Stryker could rewrite the file.
    tsconfigFile: 'none',
    ignorePatterns: ['/deploy', '/dist', '/data', '/.tmp'],
    timeoutMS: 10_000,
    allowConsoleColors: false,
  }).runMutationTest();
  const killed = results.filter(({ status }) => status === 'Killed' || status === 'Timeout').length;
  const alive = results.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  // As in Stryker's own score, a mutant with which no test could start counts neither way.
  const unusable = results.filter(({ status }) => status === 'RuntimeError').length;
  const survivors = alive.map((one) => survivorOf(relative(process.cwd(), one.fileName), one));
  return { valid: killed + alive.length, killed, unusable, survivors };
}

for (const name of names) {
  const area = AREAS[name];
  if (area === undefined) throw new Error(`There is no area ${name}. Use one of: ${Object.keys(AREAS).join(', ')}`);
  const start = performance.now();
  const { valid, killed, unusable, survivors } = await test(area);
  const percent = (100 * killed) / valid;
  const seconds = Math.round((performance.now() - start) / 1_000);
  const more = unlisted(survivors, listedSurvivors());
  console.log(`${name}: ${killed} of ${valid} mutants killed, ${percent.toFixed(1)} %, ${seconds} s`);
  if (unusable > 0) console.log(`${name}: with ${unusable} more, no test could start.`);
  if (percent < MIN_PERCENT) console.error(`${name}: at least ${MIN_PERCENT} % must be killed.`);
  if (more.length > 0)
    console.error(
      `${name}: ${more.length} survivors are not listed. Add a test, or a line with a reason to survivors.tsv:`,
    );
  for (const { file, mutant } of more) console.error(`${file}\t${mutant}`);
  if (percent < MIN_PERCENT || more.length > 0) process.exitCode = 1;
}
