/** Runs work on the same key one after the other, also after a failure. Work on other keys does not wait. */
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
