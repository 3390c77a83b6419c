/** Tells the story: a line per step, what a person would type, and what came of it. */
export interface Narrator {
  /** Runs one step; its time and title are told when it is done, its failure where it is not. */
  step(title: string, work: () => Promise<void>): Promise<void>;
  /** What a person would type to do the same. */
  command(text: string): void;
  /** What came of it. */
  fact(text: string): void;
}

/** A step that did not come out as the story says. */
export class StoryError extends Error {
  override readonly name = 'StoryError';
}

/** Throws a StoryError where the story does not hold. */
export function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new StoryError(otherwise);
}

export function createNarrator(steps: number, print: (text: string) => void, colors: boolean): Narrator {
  const dim = (text: string) => (colors ? `\u001b[2m${text}\u001b[0m` : text);
  const bold = (text: string) => (colors ? `\u001b[1m${text}\u001b[0m` : text);
  let number = 0;
  return {
    async step(title, work) {
      number += 1;
      print(`\n${bold(`[${number}/${steps}] ${title}`)}`);
      const started = performance.now();
      try {
        await work();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new StoryError(`Step ${number}, "${title}", did not come out: ${why}`, { cause: error });
      }
      print(dim(`    done in ${((performance.now() - started) / 1_000).toFixed(1)} s`));
    },
    command: (text) => print(dim(`    $ ${text}`)),
    fact: (text) => print(`    ${text}`),
  };
}
