/** Deduplicates concurrent runs of one piece of work: a call during a run gets the promise of that run. */
export function runOnceAtATime<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined;
  return () => {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  };
}
