/** Prints the demo: for each step a title, the commands with the same effect, and the results. */
export type Narrator = ReturnType<typeof createNarrator>;

/** A step did not have the expected result. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

export function expect(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new DemoError(problem);
}

export function createNarrator(steps: number, print: (text: string) => void, colors: boolean) {
  const dim = (text: string) => (colors ? `\u001b[2m${text}\u001b[0m` : text);
  const bold = (text: string) => (colors ? `\u001b[1m${text}\u001b[0m` : text);
  let number = 0;
  return {
    async step(title: string, run: () => Promise<void>): Promise<void> {
      number += 1;
      print(`\n${bold(`[${number}/${steps}] ${title}`)}`);
      const started = performance.now();
      try {
        await run();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new DemoError(`Step ${number}, "${title}", failed: ${why}`, { cause: error });
      }
      print(dim(`    done in ${((performance.now() - started) / 1_000).toFixed(1)} s`));
    },
    /** A command with the same effect as the step. */
    command: (text: string) => print(dim(`    $ ${text}`)),
    result: (text: string) => print(`    ${text}`),
  };
}
