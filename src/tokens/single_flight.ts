/** Work that is under way, by key: who asks for the same joins it. Nobody who leaves ends it. */
export interface SingleFlight<Result> {
  run(key: string, work: () => Promise<Result>): Promise<Result>;
  /** Waits until nothing is under way. */
  settled(): Promise<void>;
}

export function createSingleFlight<Result>(): SingleFlight<Result> {
  const flights = new Map<string, Promise<Result>>();
  return {
    run(key, work) {
      const underWay = flights.get(key);
      if (underWay !== undefined) return underWay;
      const flight = work().finally(() => flights.delete(key));
      // A flight outlives its callers: its failure must not count as unhandled when all of them have left.
      flight.catch(() => {});
      flights.set(key, flight);
      return flight;
    },
    async settled() {
      while (flights.size > 0) await Promise.allSettled(flights.values());
    },
  };
}
