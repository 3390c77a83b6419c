import type { Duration } from '../model/clock.ts';

/** Rejects where something is not well. */
export type Check = () => Promise<void>;

/** Whether the vault can do its work. Entra being away, or one tenant broken, never makes it unready. */
export interface Readiness {
  readonly ready: boolean;
  /** Returns the function that ends the listening. */
  listen(listener: (ready: boolean) => void): () => void;
  /** From now on unready, whatever the checks say. */
  drain(): void;
  close(): void;
}

const EVERY: Duration = 2_000;

/** Asks the checks now and every two seconds. */
export async function createReadiness(checks: readonly Check[]): Promise<Readiness> {
  const listeners = new Set<(ready: boolean) => void>();
  let ready = await all(checks);
  let draining = false;

  function change(to: boolean): void {
    if (to === ready) return;
    ready = to;
    for (const listener of listeners) listener(ready);
  }

  let asked = false;
  async function ask(): Promise<void> {
    // A check that takes longer than this is not well, and its late answer must not overtake a newer one.
    if (asked) return change(false);
    asked = true;
    const well = await all(checks);
    asked = false;
    change(well && !draining);
  }

  const asking = setInterval(ask, EVERY).unref();

  return {
    get ready() {
      return ready;
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    drain() {
      draining = true;
      change(false);
    },
    close: () => clearInterval(asking),
  };
}

async function all(checks: readonly Check[]): Promise<boolean> {
  const results = await Promise.allSettled(checks.map((check) => check()));
  return results.every((result) => result.status === 'fulfilled');
}
