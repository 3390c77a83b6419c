/** Deduplicates concurrent work by key. A caller that gives up does not cancel the shared work. */
export function createSingleFlight<Result>() {
  const flights = new Map<string, Promise<Result>>();
  return {
    run(key: string, work: () => Promise<Result>): Promise<Result> {
      const running = flights.get(key);
      if (running !== undefined) return running;
      const flight = work().finally(() => flights.delete(key));
      // A flight outlives its callers: its failure is not unhandled when all of them have given up.
      flight.catch(() => {});
      flights.set(key, flight);
      return flight;
    },
    /** Waits until no work is running. */
    async settled(): Promise<void> {
      while (flights.size > 0) await Promise.allSettled(flights.values());
    },
  };
}
