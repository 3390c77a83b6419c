/** Work on one key, one after the other: a browser that asks twice at once waits for the first answer, to be shown its outcome. */
export function createTurns<Result>(): (key: string, work: () => Promise<Result>) => Promise<Result> {
  const underWay = new Map<string, Promise<Result>>();
  return async (key, work) => {
    await underWay.get(key)?.catch(() => undefined);
    const working = work();
    underWay.set(key, working);
    try {
      return await working;
    } finally {
      if (underWay.get(key) === working) underWay.delete(key);
    }
  };
}
