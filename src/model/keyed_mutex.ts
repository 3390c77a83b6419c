/** Runs work on the same key one after the other: a browser's concurrent second request waits for the first, and shows its outcome. */
export function createKeyedMutex<Result>(): (key: string, work: () => Promise<Result>) => Promise<Result> {
  const last = new Map<string, Promise<Result>>();
  return (key, work) => {
    const before = last.get(key);
    const working = before === undefined ? work() : before.then(work, work);
    last.set(key, working);
    const forget = () => {
      if (last.get(key) === working) last.delete(key);
    };
    working.then(forget, forget);
    return working;
  };
}
