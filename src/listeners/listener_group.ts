import type { Duration } from '../model/clock.ts';

interface Listener {
  close(grace: Duration): Promise<void>;
}

/** Closed all at once: one grace, in which none of them takes anything new. */
export interface Listeners {
  opened<One extends Listener>(start: Promise<One>): Promise<One>;
  close(): Promise<unknown>;
}

export function createListeners(grace: Duration): Listeners {
  const open: Listener[] = [];
  return {
    async opened(start) {
      const listener = await start;
      open.push(listener);
      return listener;
    },
    close: () => Promise.all(open.map((one) => one.close(grace))),
  };
}
